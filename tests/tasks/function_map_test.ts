import { decode } from "@jridgewell/sourcemap-codec";
import { assertEquals } from "@std/assert";
import { functionMap } from "../../src/tasks/function_map.ts";
import { withFile } from "../helpers/files.ts";

Deno.test("functionMap() maps the tokens of a function to those of its file", async () => {
  const content = "\nrun((x: number) => {\n  return alpha(x, 'beta');\n});";
  await withFile(content, (path) => {
    const source = "(x)=>{\n    return alpha(x, 'beta');\n}";
    const callers = `Error\n    at main (file://${path}:2:1)`;
    const map = JSON.parse(functionMap(source, callers)!);
    assertEquals([map.sources, map.sourcesContent], [[`file://${path}`], [
      content,
    ]]);
    const [, line] = decode(map.mappings);
    // The token `return`, and the next one.
    assertEquals(line!.slice(0, 2), [[4, 0, 2, 2], [11, 0, 2, 9]]);
    return Promise.resolve();
  });
});

Deno.test("functionMap() returns undefined if no file of the callers has the function", () => {
  const source = "(x) => never(seen, before)";
  for (const callers of ["", "    at f (file:///no/such/file.ts:1:1)"]) {
    assertEquals(functionMap(source, callers), undefined);
  }
});

Deno.test("functionMap() doesn't search this package's own modules", async () => {
  const url = new URL("../../src/tasks/function_map.ts", import.meta.url);
  const content = await Deno.readTextFile(url);
  const source = content.slice(content.indexOf("export function functionMap"))
    .slice("export ".length);
  assertEquals(functionMap(source, `    at f (${url}:1:1)`), undefined);
});
