import { assertAlmostEquals, assertEquals } from "@std/assert";
import { leastP, mannWhitney } from "../../bench/mann_whitney.ts";

// Without ties, the expected values are those of scipy.stats.mannwhitneyu() of
// SciPy 1.17.1, for many samples with use_continuity=False.

Deno.test("mannWhitney() is exact for few samples", () => {
  assertAlmostEquals(
    mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]),
    2 / 252,
  );
  assertAlmostEquals(mannWhitney([1, 3, 5, 7], [2, 4, 6, 8]), 0.6857142857);
  assertAlmostEquals(mannWhitney([3, 1], [2, 9, 7]), 0.4);
});

Deno.test("mannWhitney() doesn't depend on the order of sides or samples", () => {
  const [a, b] = [[5, 1, 9, 4], [7, 8, 6, 12, 10]];
  assertEquals(mannWhitney(a, b), mannWhitney(b, a.toReversed()));
});

Deno.test("mannWhitney() is 1 if all samples are equal, or if a side has none", () => {
  assertEquals(mannWhitney([2, 2, 2], [2, 2, 2]), 1);
  assertEquals(mannWhitney([], [1, 2]), 1);
});

Deno.test("mannWhitney() counts ties as half", () => {
  // Of the 20 choices of 3 ranks, two have the sum 6.5 and two the sum 14.5.
  assertAlmostEquals(mannWhitney([1, 2, 3], [3, 4, 5]), 4 / 20);
});

Deno.test("mannWhitney() approximates for many samples", () => {
  const a = Array.from({ length: 50 }, (_, index) => index);
  const shifted = (by: number) => a.map((x) => x + by + 0.5);
  assertAlmostEquals(mannWhitney(a, shifted(9)), 0.0030333, 1e-6);
  assertAlmostEquals(mannWhitney(a, a), 1, 1e-6);
});

Deno.test("leastP() is the p of sides that don't overlap", () => {
  assertAlmostEquals(leastP(5, 5), 2 / 252);
  assertAlmostEquals(leastP(4, 4), mannWhitney([1, 2, 3, 4], [5, 6, 7, 8]));
  assertEquals(leastP(1, 1), 1);
});
