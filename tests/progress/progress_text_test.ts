import { assertEquals } from "@std/assert";
import { percentage, progressText } from "../../src/progress/progress_text.ts";
import type { MapProgress } from "../../mod.ts";
import { progress } from "../helpers/progress.ts";

const HOUR = 3_600_000;

/** States of a map, and how they are described. */
const TEXTS: Record<string, [Partial<MapProgress>, string]> = {
  "that runs": [{}, "40 of 100, 4/s, 0:15 left"],
  "with failed items": [{ failed: 3 }, "43 of 100, 3 failed, 4/s, 0:15 left"],
  "with large numbers": [
    { done: 71_322, total: 90_000, rate: 12_345.6, timeLeft: 1_513 },
    "71,322 of 90,000, 12,346/s, 0:02 left",
  ],
  "that is slow": [
    { rate: 0.1, timeLeft: 25 * HOUR + 61_000 },
    "40 of 100, 6/min, 25:01:01 left",
  ],
  "that is very slow": [{ rate: 0.001 }, "40 of 100, 3.6/h, 0:15 left"],
  "of which nothing has ended": [
    { done: 0, rate: 0, timeLeft: undefined },
    "0 of 100, 0:10",
  ],
  "whose total isn't known": [
    { total: undefined, timeLeft: undefined, elapsed: HOUR },
    "40, 4/s, 1:00:00",
  ],
  "that is complete": [
    { phase: "ended", done: 98, failed: 2, timeLeft: 0 },
    "100 of 100, 2 failed, 4/s, in 0:10",
  ],
  "that has ended early": [
    { phase: "ended", timeLeft: 0 },
    "40 of 100, 4/s, stopped after 0:10",
  ],
  "that had no items": [
    { phase: "ended", total: 0, done: 0, elapsed: 0, rate: 0 },
    "0 of 0, in 0:00",
  ],
};

for (const [name, [changes, text]] of Object.entries(TEXTS)) {
  Deno.test(`progressText() describes a map ${name}`, () => {
    assertEquals(progressText(progress(changes)), text);
  });
}

Deno.test("percentage() rounds down, and counts failed items", () => {
  assertEquals(percentage(progress({ done: 99, total: 1_000 })), "  9%");
  assertEquals(percentage(progress({ done: 90, failed: 10 })), "100%");
  assertEquals(percentage(progress({ done: 0, total: 0 })), "100%");
  assertEquals(percentage(progress({ total: undefined })), "");
});
