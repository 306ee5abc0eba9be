import { assertEquals } from "@std/assert";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findConfig } from "../../src/util/find_config.ts";

/** A folder that is removed at the end of its scope. */
class TemporaryFolder implements AsyncDisposable {
  readonly #url: URL;

  private constructor(path: string) {
    this.#url = pathToFileURL(`${path}/`);
  }

  /** Creates a folder with empty files. */
  static async with(...files: string[]): Promise<TemporaryFolder> {
    const folder = new TemporaryFolder(await Deno.makeTempDir());
    for (const file of files) {
      await Deno.mkdir(new URL("./", folder.url(file)), { recursive: true });
      await Deno.writeTextFile(folder.url(file), "{}");
    }
    return folder;
  }

  /** Returns the URL of a path in the folder. */
  url(path: string): URL {
    return new URL(path, this.#url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#url, { recursive: true });
  }
}

/** Tests which file findConfig() finds for a main module. */
function testNearest(
  name: string,
  mainModule: string,
  files: string[],
  expected: string,
): void {
  Deno.test(`findConfig() finds ${name}`, async () => {
    await using folder = await TemporaryFolder.with(...files);
    assertEquals(
      findConfig(folder.url(mainModule).href),
      fileURLToPath(folder.url(expected)),
    );
  });
}

testNearest("a deno.json beside the main module", "main.ts", [
  "deno.json",
], "deno.json");

testNearest("a deno.jsonc", "main.ts", ["deno.jsonc"], "deno.jsonc");

testNearest("the deno.json of both", "main.ts", [
  "deno.jsonc",
  "deno.json",
], "deno.json");

testNearest("the nearest file upwards", "a/b/c/main.ts", [
  "deno.json",
  "a/deno.json",
  "a/b/other/deno.json",
  "a/b/c/d/deno.json",
], "a/deno.json");

testNearest("a deno.jsonc that is nearer than a deno.json", "a/main.ts", [
  "deno.json",
  "a/deno.jsonc",
], "a/deno.jsonc");

testNearest("no folder named deno.json", "a/main.ts", [
  "deno.json",
  "a/deno.json/file.json",
], "deno.json");

testNearest(
  "a file whose path has characters that URLs escape",
  "a%20%23/main.ts",
  [
    "a%20%23/deno.json",
  ],
  "a%20%23/deno.json",
);

testNearest("the file for a main module with a query", "a/main.ts?x=/../b/", [
  "a/deno.json",
], "a/deno.json");

testNearest("a package.json", "main.ts", ["package.json"], "package.json");

testNearest("a deno.jsonc rather than a package.json beside it", "main.ts", [
  "package.json",
  "deno.jsonc",
], "deno.jsonc");

testNearest("a package.json that is nearer than a deno.json", "a/main.ts", [
  "deno.json",
  "a/package.json",
], "a/package.json");

Deno.test("findConfig() finds nothing for a main module that is not a file", () => {
  assertEquals(findConfig("https://example.com/main.ts"), undefined);
  assertEquals(findConfig("data:text/javascript,1"), undefined);
  assertEquals(findConfig("jsr:@scope/package"), undefined);
});

Deno.test("findConfig() finds nothing where there is no file", () => {
  assertEquals(findConfig("file:///no/such/folder/main.ts"), undefined);
});
