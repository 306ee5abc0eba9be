import { assertEquals, assertRejects } from "@std/assert";
import { denoBundle } from "../../src/bundle/deno_bundle.ts";
import { locateErrors } from "../../src/bundle/locate_errors.ts";
import { Project } from "../helpers/bundle_fixture.ts";

/** The lines of types and comments before what is wrong. */
const HEAD = `
// What comes here is gone when the file is JavaScript.

interface Empty {
  readonly none: undefined;
}

`;

/** Checks at which place a `tasks.ts` is said to be wrong. */
function testPlace(name: string, text: string, place: string): void {
  Deno.test(`denoBundle() says where there is ${name}`, async () => {
    await using project = await Project.with({
      "tasks.ts": HEAD + text,
      "lib.ts": "export const y = 1;",
    });
    const url = project.url("tasks.ts");
    const { message } = await assertRejects(
      () => denoBundle(url, undefined),
      Error,
    );
    const lines = message.split("\n").filter((line) => /^ +at /.test(line));
    assertEquals(lines, [`    at ${url}${place}`]);
  });
}

testPlace("a name that isn't mapped", 'import { x } from "bare"; x;', ":8:20");
testPlace("a file missing", 'import { x } from "./none.ts"; x;', ":8:19");
testPlace("wrong syntax", "const x = ;", ":8:11");
testPlace("no such export", 'import { x } from "./lib.ts"; x;', "");

Deno.test("denoBundle() names no place in this package", async () => {
  const url = "file:///no/such/tasks.ts";
  const { stack, message } = await assertRejects(
    () => denoBundle(url, undefined),
    Error,
  );
  assertEquals(stack, `Error: ${message}`);
});

Deno.test("locateErrors() leaves alone what it knows nothing of", () => {
  for (
    const text of [
      "",
      "What is it?",
      "What is it?\n    at file:///a.ts:1:2",
      'Module not found "file:///none.ts".\n    at file:///a.ts:3:4',
    ]
  ) assertEquals(locateErrors(text), text);
});

Deno.test("locateErrors() names no line of a file that it can't look at", () => {
  for (const url of ["file:///no/such/file.ts", "https://example.com/a.ts"]) {
    assertEquals(
      locateErrors(`Import "x" not a dependency\n    at ${url}:1:7`),
      `Import "x" not a dependency\n    at ${url}`,
    );
  }
});
