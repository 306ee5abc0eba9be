import { assertEquals } from "@std/assert";
import { ProgressLines } from "../../src/progress/progress_lines.ts";
import { progress } from "../helpers/progress.ts";

/** Lines about a map, and those that were printed. */
function makeLines(clear = false) {
  const printed: string[] = [];
  const lines = new ProgressLines("f", clear, (line) => printed.push(line));
  return { lines, printed };
}

/** The counts in the lines. */
function counts(printed: readonly string[]): string[] {
  return printed.map((line) => /\d+ of \d+|\d+(?=,)/.exec(line)![0]);
}

Deno.test("ProgressLines print one line for each tenth of the items", () => {
  const { lines, printed } = makeLines();
  for (let done = 0; done <= 50; done++) {
    lines.show(progress({ done, elapsed: done * 200 }));
  }
  assertEquals(counts(printed), [
    "10 of 100",
    "20 of 100",
    "30 of 100",
    "40 of 100",
    "50 of 100",
  ]);
  assertEquals(printed[3], "[distex] f: 40%, 40 of 100, 4/s, 0:15 left");
});

Deno.test("ProgressLines print at most one line per second", () => {
  const { lines, printed } = makeLines();
  for (let done = 0; done <= 100; done++) {
    lines.show(progress({ done, elapsed: done * 20 }));
  }
  assertEquals(counts(printed), ["50 of 100", "100 of 100"]);
});

Deno.test("ProgressLines print a line in 30 seconds at least", () => {
  const { lines, printed } = makeLines();
  for (let second = 0; second < 100; second++) {
    lines.show(progress({
      total: second < 61 ? undefined : 1_000,
      done: second,
      elapsed: second * 1_000,
    }));
  }
  assertEquals(counts(printed), ["30", "60", "90 of 1"]);
});

Deno.test("ProgressLines print a line at the end, or none with clear: true", () => {
  for (const clear of [false, true]) {
    const { lines, printed } = makeLines(clear);
    lines.show(progress({ phase: "ended", done: 100, failed: 0, elapsed: 50 }));
    assertEquals(
      printed,
      clear ? [] : ["[distex] f: 100%, 100 of 100, 4/s, in 0:00"],
    );
  }
});
