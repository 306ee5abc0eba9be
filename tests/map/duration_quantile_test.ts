import { assert, assertEquals } from "@std/assert";
import { DurationQuantile } from "../../src/map/duration_quantile.ts";

/** Asserts that a quantile is exact, or at most 9 % too large. */
function assertNear(quantile: DurationQuantile, expected: number): void {
  const ratio = quantile.microseconds / expected;
  assert(ratio > 0.999 && ratio < 1.091, `${quantile.microseconds} µs`);
}

Deno.test("DurationQuantile.microseconds is 0 without durations", () => {
  assertEquals(new DurationQuantile(0.95).microseconds, 0);
});

Deno.test("DurationQuantile.microseconds exceeds its share of the durations", () => {
  const quantile = new DurationQuantile(0.95);
  for (let n = 1; n <= 100; n++) quantile.add(n * 1_000, 1);
  assertEquals(quantile.count, 100);
  assertNear(quantile, 96_000);
});

Deno.test("DurationQuantile.microseconds ignores few long durations", () => {
  const quantile = new DurationQuantile(0.95);
  quantile.add(500, 99);
  quantile.add(60_000_000, 1);
  assertNear(quantile, 500);
});

Deno.test("DurationQuantile.microseconds is at least a microsecond", () => {
  const quantile = new DurationQuantile(0.95);
  quantile.add(0, 3);
  assertEquals(quantile.microseconds, 1);
});
