import { assertEquals } from "@std/assert";
import { formatDuration } from "../../src/util/format_duration.ts";

Deno.test("formatDuration() rounds down, in a unit that gives few digits", () => {
  for (
    const [milliseconds, text] of [
      [-5, "0 ms"],
      [0.9, "0 ms"],
      [999.9, "999 ms"],
      [1_000, "1 s"],
      [119_999, "119 s"],
      [120_000, "2 min"],
      [7_199_999, "119 min"],
      [7_200_000, "2 h"],
      [360_000_000, "100 h"],
    ] as const
  ) {
    assertEquals(formatDuration(milliseconds), text);
  }
});
