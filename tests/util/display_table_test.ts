import { assertEquals } from "@std/assert";
import { displayTable } from "../../src/util/display_table.ts";

Deno.test("displayTable() aligns texts on the left and numbers on the right", () => {
  const { "text/plain": text } = displayTable(["name", "n"], [
    ["a", 1_234],
    ["longer", 5],
    ["", ""],
  ]);
  assertEquals(
    text,
    "name        n\n" +
      "a       1,234\n" +
      "longer      5\n" +
      "",
  );
});

Deno.test("displayTable() escapes texts in HTML", () => {
  const { "text/html": html } = displayTable(["a"], [["<b> & </b>"]]);
  assertEquals(
    html,
    '<table><thead><tr><th style="text-align: left">a</th></tr></thead><tbody>' +
      '<tr><td style="text-align: left">&lt;b&gt; &amp; &lt;/b&gt;</td></tr>' +
      "</tbody></table>",
  );
});
