import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { dirname, join, relative } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { compress } from "../../examples/gzip_server.ts";
import { Pool } from "../../mod.ts";
import { denoArgs, linesOf, runExample } from "../helpers/examples.ts";
import { runProgram } from "../helpers/run_program.ts";

/** A folder with files that is removed at the end of a block. */
class TempFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(
    files: Record<string, string | Uint8Array> = {},
  ): Promise<TempFolder> {
    const folder = new TempFolder(await Deno.makeTempDir());
    try {
      for (const [name, content] of Object.entries(files)) {
        await folder.#write(name, content);
      }
      return folder;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }

  async #write(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.path, name);
    await Deno.mkdir(dirname(path), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else await Deno.writeFile(path, content);
  }
}

/** Runs the gzip example on a terminal, and returns what it writes there. */
async function runOnTerminal(
  folder: string,
  env: Record<string, string>,
): Promise<string> {
  const command = [Deno.execPath(), ...denoArgs("gzip.ts", folder)]
    .map((word) => `'${word}'`).join(" ");
  const options = ["--quiet", "--return", "--command", command, "/dev/null"];
  const { code, stdout } = await runProgram("/usr/bin/script", options, env);
  assertEquals(code, 0, stdout);
  return stdout;
}

/** Unpacks all files in a folder. */
async function unpackAll(
  folder: string,
  below = folder,
): Promise<Record<string, Uint8Array>> {
  const unpacked: Record<string, Uint8Array> = {};
  for await (const { name, isDirectory } of Deno.readDir(below)) {
    const path = join(below, name);
    if (isDirectory) Object.assign(unpacked, await unpackAll(folder, path));
    else {
      assertMatch(name, /\.gz$/);
      const original = relative(folder, path.slice(0, -".gz".length));
      unpacked[original] = new Uint8Array(
        gunzipSync(await Deno.readFile(path)),
      );
    }
  }
  return unpacked;
}

async function assertRefused(args: string[], reason: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runExample("gzip.ts", ...args);
  assertMatch(stderr, /^error: .+\n$/);
  assertMatch(stderr, reason);
  assertEquals(stdout, "");
  assertEquals(code, 1);
}

Deno.test("gzip example packs every file in a folder", async () => {
  const files = {
    "text.txt": new TextEncoder().encode("to be or not to be ".repeat(5000)),
    "empty": new Uint8Array(),
    "random.bin": crypto.getRandomValues(new Uint8Array(60_000)),
    "more than one block": new Uint8Array(16 * 2 ** 20 + 1),
    [join("a folder", "deep", "naïve ☃ file.txt")]: new Uint8Array([1, 2, 3]),
    [join("a folder", "2024")]: new Uint8Array([4]),
  };
  await using folder = await TempFolder.make(files);
  await using out = await TempFolder.make();

  const { code, stdout, stderr } = await runExample(
    "gzip.ts",
    "--workers=2",
    "--out",
    join(out.path, "new", "folder"),
    folder.path,
  );

  assertEquals(stderr, "");
  assertEquals(code, 0);
  assertMatch(stdout, /^Packed 6 files, 16\.9 MB to \d+\.\d kB; /m);
  assertMatch(
    stdout,
    /^Pool of 2: +\d+\.\d\d s, \d+\.\d MB\/s, after \d+\.\d\d s to start$/m,
  );
  assertMatch(stdout, /^One process: +\d+\.\d\d s, \d+\.\d MB\/s$/m);
  assertMatch(stdout, /^The pool was \d+\.\d\d times as fast[ ,]/m);
  assertMatch(stdout, / deno run -A doctor\.ts ssh:\/\/<hostname>\n$/);
  assertEquals(await unpackAll(join(out.path, "new", "folder")), files);
});

Deno.test("gzip example prints plain progress lines into a pipe", async () => {
  // Many batches, because each prints at most one line.
  const names = Array.from({ length: 5_120 }, (_, index) => `${index}.txt`);
  await using folder = await TempFolder.make(
    Object.fromEntries(names.map((name) => [name, "ten bytes."])),
  );

  const { stdout } = await runExample("gzip.ts", "--workers=1", folder.path);

  for (const control of ["\r", "\x1b"]) assert(!stdout.includes(control));
  for (const label of ["Pool", "One process"]) {
    const steps = stdout.match(new RegExp(`^${label}: \\d+ %`, "gm")) ?? [];
    assertEquals(steps.length, 10);
    assertEquals(steps.at(-1), `${label}: 100 %`);
  }
  assertMatch(stdout, /^Pool: 100 %, \d+\.\d MB\/s$/m);
});

Deno.test({
  name: "gzip example draws a bar on a terminal",
  ignore: Deno.build.os !== "linux" || !exists("/usr/bin/script"),
  async fn() {
    await using folder = await TempFolder.make({ "a.txt": "a", "b.txt": "b" });
    const plain = await runOnTerminal(folder.path, { NO_COLOR: "1" });
    assertMatch(plain, /\rPool {8}█{30} 100 %, \d+\.\d MB\/s/);
    assertMatch(plain, /\rOne process █{30} 100 %, \d+\.\d MB\/s/);
    assertMatch(plain, /\r +\rPacked 2 files, 2 B to 42 B; /);
    assert(!plain.includes("\x1b"), "NO_COLOR was not respected");

    const colored = await runOnTerminal(folder.path, { NO_COLOR: "" });
    assertStringIncludes(colored, `\x1b[36m${"█".repeat(30)}\x1b[39m 100 %`);
  },
});

Deno.test({
  name: "gzip example skips .git, links and its own output",
  // Making links on Windows needs a privilege.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await TempFolder.make({
      "a.txt": "a",
      ".git/config": "not packed",
      "submodule/.git": "not packed",
      "packed/before.gz": "not packed",
    });
    await Deno.symlink("a.txt", join(folder.path, "link"));
    await Deno.symlink("..", join(folder.path, "submodule", "circle"));
    const out = join(folder.path, "packed");

    const { code, stdout, stderr } = await runExample(
      "gzip.ts",
      "--workers=1",
      "--out",
      out,
      folder.path,
    );

    assertEquals(stderr, "");
    assertEquals(code, 0);
    assertMatch(stdout, /^Packed 1 files, 1 B /m);
    await Deno.remove(join(out, "before.gz"));
    assertEquals(Object.keys(await unpackAll(out)), ["a.txt"]);
  },
});

Deno.test("gzip example continues after a file that it cannot pack", async () => {
  await using folder = await TempFolder.make({ "a.txt": "a", "b.txt": "b" });
  await using out = await TempFolder.make({ "b.txt.gz/in the way": "" });

  const { code, stdout, stderr } = await runExample(
    "gzip.ts",
    "--workers=1",
    "--out",
    out.path,
    folder.path,
  );

  assertMatch(
    stderr,
    /^error: Could not pack everything; 1 failed:\n {2}"b\.txt": .+\n$/,
  );
  assertEquals(code, 1);
  assertMatch(stdout, /^Packed 1 files, 1 B /m);
  const packed = await Deno.readFile(join(out.path, "a.txt.gz"));
  assertEquals(gunzipSync(packed).toString(), "a");
});

Deno.test({
  name: "gzip example reports what it has no permission to read",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // This folder has a file that even the superuser can't read.
    const folder = "/proc/sys/net/ipv4/route";

    const { code, stdout, stderr } = await runExample("gzip.ts", folder);

    assertMatch(stderr, /^error: Could not pack everything; \d+ failed:$/m);
    assertMatch(stderr, /^ {2}"flush": permission denied$/m);
    assertEquals(code, 1);
    assertMatch(stdout, /^Packed \d+ files, /m);
  },
});

Deno.test("gzip example refuses a folder that does not exist", async () => {
  await using folder = await TempFolder.make();
  const missing = join(folder.path, "missing");
  await assertRefused([missing], /Cannot read the folder .*missing: not found/);
});

Deno.test("gzip example refuses a file instead of a folder", async () => {
  await using folder = await TempFolder.make({ "a.txt": "a" });
  await assertRefused([join(folder.path, "a.txt")], /a\.txt is not a folder/);
});

Deno.test("gzip example refuses an empty folder", async () => {
  await using folder = await TempFolder.make();
  await Deno.mkdir(join(folder.path, "also empty"));
  await assertRefused([folder.path], /There are no files in /);
});

Deno.test("gzip example refuses wrong options", async () => {
  await using folder = await TempFolder.make({ "a.txt": "a" });
  const { path } = folder;
  for (const workers of ["two", "1.5", "0", ""]) {
    await assertRefused([`--workers=${workers}`, path], /--workers must be /);
  }
  await assertRefused(["--worker=1", path], /There is no option --worker/);
  await assertRefused([path, path], /There can be only one folder/);
  await assertRefused(["--out=", path], /--out must be a folder/);
  await assertRefused(["--out", path, path], /--out must not be /);
  const file = join(path, "a.txt");
  await assertRefused(["--out", file, path], /Cannot create the folder /);
});

Deno.test("gzip example shows help", async () => {
  const { code, stdout } = await runExample("gzip.ts", "--help");
  assertEquals(code, 0);
  assertMatch(stdout, /^Usage: deno run -A examples\/gzip\.ts /m);
});

Deno.test("primes example finds primes in order", async () => {
  const ends = [37, 51, 99, 129, 183, 259, 267, 273, 279, 283];
  assertEquals(
    await linesOf("primes.ts"),
    ends.map((end, index) => `${index + 1}. ${10_000_000_000_000 + end}`),
  );
});

Deno.test("async timer example runs a timer for each item", async () => {
  const lines = await linesOf("async_timer.ts");
  const last = lines.splice(20);
  assertEquals(lines.length, 20);
  lines.forEach((line, index) => {
    assertMatch(line, /^timer \d+, done \d+ ms after the start$/);
    assert(line.startsWith(`timer ${index + 1},`));
  });
  assertEquals(last.length, 2);
  for (const line of last) {
    assertMatch(line, /^All clocks are reset: one more, done \d+ ms /);
  }
});

Deno.test("pipeline example of streams compresses values", async () => {
  const { length } = gzipSync(new Uint8Array(1_000_000).fill(65));
  const lines = await linesOf("pipeline_streams.ts");
  assertEquals(lines, [`On average, 1 MB becomes ${length} bytes`]);
});

Deno.test("gzip server example compresses bodies on their way", async () => {
  await using pool = new Pool(1);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => compress(pool, request),
  );
  const { href } = new URL(`http://127.0.0.1:${server.addr.port}`);
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const packed = await fetch(href, { method: "POST", body });
  assertEquals(new Uint8Array(gunzipSync(await packed.bytes())), body);
  const refused = await fetch(href);
  assertEquals([refused.status, await refused.text()], [400, "Send a body"]);
});

Deno.test("mandelbrot example draws a symmetric picture", async () => {
  const lines = await linesOf("mandelbrot.ts");
  assertEquals(lines.length, 31);
  assertEquals(lines.toReversed(), lines);
  assertMatch(lines[15] ?? "", /^ +#{40,}/);
});

Deno.test("RxJS pipeline example averages the sizes of packed values", async () => {
  const [same, different, ...more] = await linesOf("pipeline_rx.ts");
  assertMatch(same ?? "", /^The same value: 1\d{3}$/);
  assertMatch(different ?? "", /^Different values: 1\d{3}\.\d+$/);
  assertEquals(more, []);
});

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
