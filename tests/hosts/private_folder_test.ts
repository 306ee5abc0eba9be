import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { PrivateFolder } from "../../src/hosts/private_folder.ts";
import {
  exists,
  isAlive,
  killAll,
  killNow,
  until,
} from "../helpers/processes.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

const isWindows = Deno.build.os === "windows";

/** The longest path of a Unix socket, in bytes. */
const MAX_SOCKET_PATH = 103;

/** The names of temporary folders differ in length by less than this. */
const TOLERANCE = 8;

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Calls a function with a temporary folder, then removes the folder. */
async function withFolder(
  run: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir();
  try {
    await run(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/**
 * Makes a private folder with another TMPDIR, listens on its socket, removes
 * it, and returns its path.
 */
async function makeUnder(
  temporary: string,
  ...flags: string[]
): Promise<string> {
  const module = import.meta.resolve("../../src/hosts/private_folder.ts");
  const program = `
    import { PrivateFolder } from ${JSON.stringify(module)};
    const folder = await PrivateFolder.make().catch(({ message, cause }) => {
      console.log(message, "because of a", cause.name);
      Deno.exit();
    });
    try {
      Deno.listen({ transport: "unix", path: folder.socketPath }).close();
      console.log(folder.path);
    } finally {
      await folder.remove();
    }`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...(flags.length > 0 ? flags : ["-A"]),
      "--quiet",
      "--no-config",
      "-",
    ],
    env: { TMPDIR: temporary },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.output();
  await new Response(program).body!.pipeTo(child.stdin);
  return new TextDecoder().decode((await output).stdout).trimEnd();
}

/** Makes a folder whose path has the given number of bytes. */
async function makeLong(parent: string, bytes: number): Promise<string> {
  const rest = bytes - byteLength(`${parent}/`);
  // Characters of two bytes, and one of one byte for an odd number.
  const name = "é".repeat(Math.floor(rest / 2)) + "x".repeat(rest % 2);
  const path = `${parent}/${name}`;
  await Deno.mkdir(path);
  return path;
}

Deno.test({
  name: "PrivateFolder.make() makes a folder that only its user can enter",
  ignore: isWindows,
  async fn() {
    const folder = await PrivateFolder.make();
    try {
      const { mode, isDirectory } = await Deno.lstat(folder.path);
      assert(isDirectory);
      assertEquals(mode! & 0o777, 0o700);
      assert(folder.socketPath.startsWith(`${folder.path}/`));
    } finally {
      await folder.remove();
    }
  },
});

Deno.test("PrivateFolder.make() makes another folder each time", async () => {
  const folders = await Promise.all([
    PrivateFolder.make(),
    PrivateFolder.make(),
  ]);
  try {
    assert(folders[0].path !== folders[1].path);
  } finally {
    await Promise.all(folders.map((folder) => folder.remove()));
  }
});

Deno.test("PrivateFolder.remove() removes the folder with its content, and can be called twice", async () => {
  const folder = await PrivateFolder.make();
  await Deno.mkdir(`${folder.path}/a/b`, { recursive: true });
  await Deno.writeTextFile(folder.socketPath, "");
  await folder.remove();
  await assertRejects(() => Deno.lstat(folder.path), Deno.errors.NotFound);
  await folder.remove();
});

Deno.test({
  name:
    "PrivateFolder.make() uses TMPDIR when the socket's path is short enough",
  ignore: isWindows,
  fn: () =>
    withFolder(async (parent) => {
      assert((await makeUnder(parent)).startsWith(`${parent}/distex-`));
      assertEquals([...Deno.readDirSync(parent)], []);
    }),
});

Deno.test({
  name: "PrivateFolder.make() uses /tmp when TMPDIR has too many bytes",
  ignore: isWindows,
  fn: () =>
    withFolder(async (parent) => {
      const short = await PrivateFolder.make();
      await short.remove();
      const name = short.socketPath.slice(short.path.lastIndexOf("/"));
      const longest = MAX_SOCKET_PATH - byteLength(name);
      const fitting = await makeLong(parent, longest - TOLERANCE);
      const tooLong = await makeLong(parent, longest + TOLERANCE);
      assert((await makeUnder(fitting)).startsWith(`${fitting}/distex-`));
      assert((await makeUnder(tooLong)).startsWith("/tmp/distex-"));
      assertEquals([...Deno.readDirSync(tooLong)], []);
    }),
});

for (const name of ["a,b", "a${HOME}b"]) {
  Deno.test({
    name: `PrivateFolder.make() uses /tmp when TMPDIR contains ${name}`,
    ignore: isWindows,
    fn: () =>
      withFolder(async (parent) => {
        const path = `${parent}/${name}`;
        await Deno.mkdir(path);
        assert((await makeUnder(path)).startsWith("/tmp/distex-"));
        assertEquals([...Deno.readDirSync(path)], []);
      }),
  });
}

Deno.test({
  name:
    "PrivateFolder.make() explains what is wrong with TMPDIR when /tmp is unusable",
  ignore: isWindows,
  fn: () =>
    withFolder(async (parent) => {
      const path = `${parent}/\${a}`;
      await Deno.mkdir(path);
      const flags = ["--allow-env", "--allow-read", `--allow-write=${path}`];
      const said = await makeUnder(path, ...flags);
      for (
        const part of [
          `The path ${path}/distex-`,
          "has a comma or '${' in it",
          "no folder can be made in /tmp",
          "set TMPDIR",
          "because of a NotCapable",
        ]
      ) assertStringIncludes(said, part);
    }),
});

Deno.test({
  name: "PrivateFolder.make() explains what to do when TMPDIR doesn't exist",
  ignore: isWindows,
  fn: () =>
    withFolder(async (parent) => {
      const said = await makeUnder(`${parent}/none`);
      const parts = [`${parent}/none`, "set TMPDIR", "because of a NotFound"];
      for (const part of parts) assertStringIncludes(said, part);
    }),
});

/** A program with a private folder, which runs until it is killed. */
class Owner implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: ReadableStreamDefaultReader<string>;

  constructor(parent: string, statements: string) {
    const program = `${statements}
      setInterval(() => {}, 2 ** 31 - 1);`;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        "--config",
        CONFIG,
        `data:text/javascript,${encodeURIComponent(program)}`,
      ],
      env: { TMPDIR: parent },
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#stdout = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits for the program's first output. */
  async ready(): Promise<string> {
    const { value = "" } = await this.#stdout.read();
    return value.trimEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killNow(this.pid);
    await this.#child.status;
    while (!(await this.#stdout.read()).done);
  }
}

const MAKE_FOLDER = `
  import { PrivateFolder } from ${
  JSON.stringify(import.meta.resolve("../../src/hosts/private_folder.ts"))
};
  globalThis.folder = await PrivateFolder.make();
  console.log(folder.path);`;

/**
 * Removes the abandoned folders in a TMPDIR, from a program that has two folders
 * there, which must stay.
 */
async function removeAbandoned(parent: string): Promise<void> {
  await using owner = new Owner(
    parent,
    `${MAKE_FOLDER}
    const other = await PrivateFolder.make();
    await folder.removeAbandoned();
    await Deno.lstat(other.path + "/lock");
    await other.remove();
    await folder.remove();
    console.log("done");`,
  );
  let text = "";
  while (!text.endsWith("done")) {
    const piece = await owner.ready();
    assert(piece !== "", "The program has failed");
    text += piece;
  }
}

Deno.test({
  name:
    "PrivateFolder.removeAbandoned() removes only the folder of a killed program",
  ignore: isWindows,
  fn: () =>
    withFolder(async (parent) => {
      const dead = new Owner(parent, MAKE_FOLDER);
      const abandoned = await dead.ready();
      await Deno.writeTextFile(`${abandoned}/pool.sock`, "");
      await using living = new Owner(parent, MAKE_FOLDER);
      const used = await living.ready();
      await removeAbandoned(parent);
      assert(exists(abandoned) && exists(used));
      await dead[Symbol.asyncDispose]();
      await removeAbandoned(parent);
      assertFalse(exists(abandoned));
      assert(exists(`${used}/lock`));
    }),
});

Deno.test({
  name:
    "PrivateFolder.removeAbandoned() keeps everything that isn't a private folder of its user",
  ignore: isWindows,
  fn: () =>
    withFolder(async (parent) => {
      const make = async (name: string, mode = 0o700, lock = "lock") => {
        await Deno.mkdir(`${parent}/${name}`);
        await Deno.writeTextFile(`${parent}/${name}/${lock}`, "");
        await Deno.chmod(`${parent}/${name}`, mode);
      };
      await make("distex-0a");
      await make("distex-1a", 0o755);
      await make("distex-2a", 0o700, "lock.new");
      await make("distex-sshd-3a");
      await make("other");
      await Deno.symlink(`${parent}/other`, `${parent}/distex-4a`);
      await Deno.writeTextFile(`${parent}/distex-5a`, "");
      const names = ["1a", "2a", "4a", "5a", "sshd-3a"];
      if (Deno.uid() === 0) {
        await make("distex-6a");
        await Deno.chown(`${parent}/distex-6a`, 65_534, 65_534);
        names.splice(4, 0, "6a");
      }
      await removeAbandoned(parent);
      assertEquals(
        [...Deno.readDirSync(parent)].map(({ name }) => name).sort(),
        [
          ...names.map((name) => `distex-${name}`),
          "other",
        ],
      );
    }),
});

Deno.test({
  name:
    "Pool removes the folder of a pool that was killed together with its reaper",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (parent) => {
      const program = (statements: string) => `
        import { Pool } from ${
        JSON.stringify(import.meta.resolve("../../mod.ts"))
      };
        globalThis.pool = new Pool({
          workers: 1,
          transport: "unix",
          config: ${JSON.stringify(CONFIG)},
        });
        const worker = await pool.run(() => Deno.pid);
        ${statements}`;
      const killed = new Owner(parent, program("console.log(worker);"));
      const worker = Number(await killed.ready());
      const [folder] = [...Deno.readDirSync(parent)].map(({ name }) => name);
      const reaper = reaperOf(killed.pid);
      killAll([reaper]);
      await until(() => !isAlive(reaper));
      await killed[Symbol.asyncDispose]();
      await until(() => !isAlive(worker));
      assertEquals([...Deno.readDirSync(parent)].map(({ name }) => name), [
        folder,
      ]);
      await using next = new Owner(
        parent,
        program("await pool.shutdown(); console.log('done');"),
      );
      assertEquals(await next.ready(), "done");
      assertEquals([...Deno.readDirSync(parent)], []);
    }),
});

/** The reaper that a process has started. */
function reaperOf(parent: number): number {
  const reapers = [...Deno.readDirSync("/proc")]
    .map(({ name }) => Number(name))
    .filter((pid) => pid > 0 && parentOf(pid) === parent)
    .filter((pid) =>
      Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("distex-reaper")
    );
  assertEquals(reapers.length, 1);
  return reapers[0]!;
}

function parentOf(pid: number): number {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return Number(stat.match(/\) . (\d+)/)?.[1]);
  } catch {
    // The process has ended meanwhile.
    return 0;
  }
}
