import { decode, encode } from "@jridgewell/sourcemap-codec";
import { assertEquals } from "@std/assert";
import { replaceImports } from "../../src/bundle/replace_imports.ts";

const TARGETS = new Map([["a", "npm:a@1.0.0"], ["b/c", "npm:b@2.0.0/c"]]);

/** Replaces the specifiers in some code. */
function replace(code: string): string {
  const map = { version: 3, sources: [], names: [], mappings: "" };
  return replaceImports({ code, map }, TARGETS).code;
}

Deno.test("replaceImports() replaces specifiers in all kinds of imports", () => {
  assertEquals(
    replace(`
import "a";
import d, { x as y } from "a";
export { z } from 'b/c';
const e = () => import("b/c");
const f = import( /* why */ "a", { with: { type: "json" } });
import "other";`),
    `
import "npm:a@1.0.0";
import d, { x as y } from "npm:a@1.0.0";
export { z } from "npm:b@2.0.0/c";
const e = () => import("npm:b@2.0.0/c");
const f = import( /* why */ "npm:a@1.0.0", { with: { type: "json" } });
import "other";`,
  );
});

Deno.test("replaceImports() keeps strings that only look like specifiers", () => {
  for (
    const code of [
      `const text = 'import x from "a"';`,
      'const text = `import("a")`;',
      '// import "a";',
      '/* \n import("a") */ f("a");',
      'o.import("a"); o.from ("a"); require("a");',
      'const p = /import "a"/;',
    ]
  ) assertEquals(replace(code), code);
});

Deno.test("replaceImports() shifts later columns of the source map", () => {
  const code = '\n`\n`;f(import("a"), g(import("a")));\nh();';
  const row = [0, 3, 13, 16, 18, 30];
  const mappings = encode([
    [],
    [[0, 0, 0, 0]],
    row.map((column) => [column, 0, 0, column]),
    [[0, 0, 0, 0]],
  ]);
  const map = { version: 3, sources: ["x"], names: [], mappings };
  const result = replaceImports({ code, map }, TARGETS);
  const line = result.code.split("\n")[2]!;
  assertEquals(
    line,
    '`;f(import("npm:a@1.0.0"), g(import("npm:a@1.0.0")));',
  );
  const rows = decode(result.map.mappings);
  assertEquals(rows[1], [[0, 0, 0, 0]]);
  assertEquals(rows[3], [[0, 0, 0, 0]]);
  const before = code.split("\n")[2]!;
  for (const [column, , , original] of rows[2]!) {
    // The same text, or the replaced string, begins at both columns.
    const [now, then] = [line.slice(column), before.slice(original!)];
    assertEquals(
      now.slice(0, 2).replace(/"./, '"'),
      then.slice(0, 2).replace(/"./, '"'),
    );
  }
  assertEquals(rows[2]!.map(([column]) => column), [0, 3, 23, 26, 28, 50]);
});
