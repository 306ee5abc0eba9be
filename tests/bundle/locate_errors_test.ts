import { assertEquals, assertRejects } from "@std/assert";
import { denoBundle } from "../../src/bundle/deno_bundle.ts";
import { locateErrors } from "../../src/bundle/locate_errors.ts";
import { Project } from "../helpers/bundle_fixture.ts";

/** Types and comments before the error. */
const HEAD = `
// The compiled JavaScript has none of this.

interface Empty {
  readonly none: undefined;
}

`;

/** Tests the position of an error in a `tasks.ts`. */
function testPosition(name: string, text: string, position: string): void {
  Deno.test(`denoBundle() reports the position of ${name}`, async () => {
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
    assertEquals(lines, [`    at ${url}${position}`]);
  });
}

testPosition("an unmapped name", 'import { x } from "bare"; x;', ":8:20");
testPosition("a missing file", 'import { x } from "./none.ts"; x;', ":8:19");
testPosition("a syntax error", "const x = ;", ":8:11");
testPosition(
  "a missing export only as a file",
  'import { x } from "./lib.ts"; x;',
  "",
);

Deno.test("denoBundle() reports no position in this package's own files", async () => {
  const url = "file:///no/such/tasks.ts";
  const { stack, message } = await assertRejects(
    () => denoBundle(url, undefined),
    Error,
  );
  assertEquals(stack, `Error: ${message}`);
});

Deno.test("locateErrors() keeps other errors as they are", () => {
  for (
    const text of [
      "",
      "Some error",
      "Some error\n    at file:///a.ts:1:2",
      'Module not found "file:///none.ts".\n    at file:///a.ts:3:4',
    ]
  ) assertEquals(locateErrors(text), text);
});

Deno.test("locateErrors() drops the position when it can't read the file", () => {
  for (const url of ["file:///no/such/file.ts", "https://example.com/a.ts"]) {
    assertEquals(
      locateErrors(`Import "x" not a dependency\n    at ${url}:1:7`),
      `Import "x" not a dependency\n    at ${url}`,
    );
  }
});
