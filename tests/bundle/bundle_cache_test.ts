import { assert, assertEquals, assertFalse } from "@std/assert";
import { BundleCache } from "../../src/bundle/bundle_cache.ts";

const CODE = "export const é = 1;\n// the end\n";

/** A folder for a cache that is removed at the end of its scope. */
class Caches implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<Caches> {
    return new Caches(await Deno.makeTempDir());
  }

  /** The cache's folder, which the cache creates. */
  get folder(): string {
    return `${this.path}/a/b`;
  }

  get cache(): BundleCache {
    return new BundleCache(this.folder);
  }

  /** The only file in the cache. */
  get file(): string {
    const [entry, another] = [...Deno.readDirSync(this.folder)];
    assert(entry !== undefined && another === undefined);
    return `${this.folder}/${entry.name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Tests that the cache rejects a file or folder once it is spoiled. */
function testUnreliable(
  name: string,
  spoil: (caches: Caches) => unknown,
  options: { ignore?: boolean } = {},
): void {
  Deno.test({
    name: `BundleCache.read() rejects ${name}`,
    ...options,
    fn: async () => {
      await using caches = await Caches.make();
      await caches.cache.write("key", CODE);
      assertEquals(await caches.cache.read("key"), CODE);
      await spoil(caches);
      assertEquals(await caches.cache.read("key"), undefined);
    },
  });
}

const isWindows = Deno.build.os === "windows";
const isRoot = Deno.uid() === 0;

Deno.test("BundleCache.read() returns the code that was written", async () => {
  await using caches = await Caches.make();
  assertEquals(await caches.cache.read("key"), undefined);
  for (const code of [CODE, "", "\n", "a"]) {
    await caches.cache.write("key", code);
    assertEquals(await caches.cache.read("key"), code);
  }
  await caches.cache.write("other", "b");
  assertEquals(await caches.cache.read("key"), "a");
  assertEquals(await caches.cache.read("other"), "b");
});

Deno.test({
  name: "BundleCache.write() makes files and folders private to the user",
  ignore: isWindows,
  fn: async () => {
    await using caches = await Caches.make();
    await caches.cache.write("key", CODE);
    assertEquals((await Deno.stat(caches.folder)).mode! & 0o777, 0o700);
    assertEquals((await Deno.stat(caches.file)).mode! & 0o777, 0o600);
  },
});

testUnreliable("a truncated file", async ({ file }) => {
  await Deno.truncate(file, (await Deno.stat(file)).size - 1);
});

testUnreliable("an empty file", ({ file }) => Deno.truncate(file));

testUnreliable("a modified file", async ({ file }) => {
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, text.replace("= 1", "= 2"));
});

testUnreliable("a file that others can write", ({ file }) => {
  return Deno.chmod(file, 0o620);
}, { ignore: isWindows });

testUnreliable("a folder that others can write", ({ folder }) => {
  return Deno.chmod(folder, 0o770);
}, { ignore: isWindows });

testUnreliable("a symbolic link", async ({ file, path }) => {
  await Deno.rename(file, `${path}/elsewhere`);
  await Deno.symlink(`${path}/elsewhere`, file);
}, { ignore: isWindows });

testUnreliable("a file of another user", ({ file }) => {
  return Deno.chown(file, 1, 1);
}, { ignore: !isRoot });

testUnreliable("a folder of another user", ({ folder }) => {
  return Deno.chown(folder, 1, 1);
}, { ignore: !isRoot });

Deno.test({
  name: "BundleCache.write() writes nothing to a folder that others can write",
  ignore: isWindows,
  fn: async () => {
    await using caches = await Caches.make();
    await Deno.mkdir(caches.folder, { recursive: true });
    await Deno.chmod(caches.folder, 0o777);
    await caches.cache.write("key", CODE);
    assertEquals([...Deno.readDirSync(caches.folder)], []);
  },
});

Deno.test("BundleCache.isWritable() returns true for a folder that it can create", async () => {
  await using caches = await Caches.make();
  assert(await caches.cache.isWritable());
  assertEquals([...Deno.readDirSync(caches.folder)], []);
});

Deno.test({
  name:
    "BundleCache.isWritable() returns false for a folder that others can write",
  ignore: isWindows,
  fn: async () => {
    await using caches = await Caches.make();
    await Deno.mkdir(caches.folder, { recursive: true });
    await Deno.chmod(caches.folder, 0o777);
    assertFalse(await caches.cache.isWritable());
  },
});

Deno.test("BundleCache.isWritable() returns false for a folder that can't be created", async () => {
  await using caches = await Caches.make();
  await Deno.writeTextFile(`${caches.path}/a`, "a file");
  assertFalse(await caches.cache.isWritable());
});

Deno.test("BundleCache.write() replaces a truncated file", async () => {
  await using caches = await Caches.make();
  await caches.cache.write("key", CODE);
  await Deno.truncate(caches.file, 10);
  assertEquals(await caches.cache.read("key"), undefined);
  await caches.cache.write("key", CODE);
  assertEquals(await caches.cache.read("key"), CODE);
});

Deno.test("BundleCache keeps nothing when its folder can't be created", async () => {
  await using caches = await Caches.make();
  await Deno.writeTextFile(`${caches.path}/a`, "a file");
  await caches.cache.write("key", CODE);
  assertEquals(await caches.cache.read("key"), undefined);
});

Deno.test("BundleCache.write() keeps only the newest files", async () => {
  await using caches = await Caches.make();
  const count = 36;
  for (let i = 0; i < count; i++) {
    await caches.cache.write(`key${i}`, `${i}`);
    // File systems may record times coarsely.
    const time = (Date.now() - 60_000 + i * 1000) / 1000;
    await Deno.utime(`${caches.folder}/key${i}.js`, time, time);
  }
  const kept = [];
  for (let i = 0; i < count; i++) {
    if (await caches.cache.read(`key${i}`) !== undefined) kept.push(i);
  }
  assertEquals(kept, Array.from({ length: 32 }, (_, i) => i + 4));
});

Deno.test("BundleCache.read() never returns a partial file", async () => {
  await using caches = await Caches.make();
  const codes = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(100_000));
  await caches.cache.write("key", codes[0]!);
  const writing = Promise.all(
    codes.map((code) => caches.cache.write("key", code)),
  );
  let written = false;
  writing.then(() => written = true);
  while (!written) assert(codes.includes((await caches.cache.read("key"))!));
  assert(caches.file.endsWith("/key.js"));
});
