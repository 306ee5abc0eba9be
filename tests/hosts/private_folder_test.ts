import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { PrivateFolder } from "../../src/hosts/private_folder.ts";

const isWindows = Deno.build.os === "windows";

/** The longest path of a Unix socket, in bytes. */
const MAX_SOCKET_PATH = 103;

/** The names of temporary folders may differ in length by less than this. */
const TOLERANCE = 8;

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Runs with a temporary folder, which is removed then. */
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
 * it, and tells where that was.
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

/** Makes a folder below another whose path has that many bytes. */
async function makeLong(parent: string, bytes: number): Promise<string> {
  const rest = bytes - byteLength(`${parent}/`);
  // Characters of two bytes, and one of one byte if need be.
  const name = "é".repeat(Math.floor(rest / 2)) + "x".repeat(rest % 2);
  const path = `${parent}/${name}`;
  await Deno.mkdir(path);
  return path;
}

Deno.test({
  name: "PrivateFolder can be entered by its user only",
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

Deno.test("PrivateFolder is another one each time", async () => {
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

Deno.test("PrivateFolder.remove() removes all that is in it, and can be called twice", async () => {
  const folder = await PrivateFolder.make();
  await Deno.mkdir(`${folder.path}/a/b`, { recursive: true });
  await Deno.writeTextFile(folder.socketPath, "");
  await folder.remove();
  await assertRejects(() => Deno.lstat(folder.path), Deno.errors.NotFound);
  await folder.remove();
});

Deno.test({
  name: "PrivateFolder is made in TMPDIR if a socket's path fits",
  ignore: isWindows,
  fn: () =>
    withFolder(async (parent) => {
      assert((await makeUnder(parent)).startsWith(`${parent}/distex-`));
      assertEquals([...Deno.readDirSync(parent)], []);
    }),
});

Deno.test({
  name: "PrivateFolder is made in /tmp if TMPDIR is too long in bytes",
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
    name: `PrivateFolder is made in /tmp if ${name} is in TMPDIR`,
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
  name: "PrivateFolder.make() says what is wrong with TMPDIR if /tmp won't do",
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
          "no place in /tmp",
          "set TMPDIR",
          "because of a NotCapable",
        ]
      ) assertStringIncludes(said, part);
    }),
});

Deno.test({
  name: "PrivateFolder.make() says what to do if TMPDIR isn't there",
  ignore: isWindows,
  fn: () =>
    withFolder(async (parent) => {
      const said = await makeUnder(`${parent}/none`);
      const parts = [`${parent}/none`, "set TMPDIR", "because of a NotFound"];
      for (const part of parts) assertStringIncludes(said, part);
    }),
});
