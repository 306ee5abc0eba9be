import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { MeanDuration } from "../../src/scheduling/mean_duration.ts";

Deno.test("MeanDuration.microseconds is 0 until something was measured", () => {
  const mean = new MeanDuration();
  assertEquals(mean.microseconds, 0);
  mean.add(2, 10);
  assertEquals(mean.microseconds, 5);
});

Deno.test("MeanDuration counts calls, not messages", () => {
  const mean = new MeanDuration();
  for (let times = 0; times < 10; times++) mean.add(1_000, 300);
  mean.add(1, 2_000);
  assertLess(mean.microseconds, 1);
});

Deno.test("MeanDuration follows calls that become long or short", () => {
  const mean = new MeanDuration();
  for (let times = 0; times < 10; times++) mean.add(10, 100);
  mean.add(1, 100_000);
  mean.add(1, 100_000);
  assertLess(90_000, mean.microseconds);
  for (let times = 0; times < 20; times++) mean.add(10, 100);
  assertLess(mean.microseconds, 100);
});

Deno.test("MeanDuration.among() includes calls of others until 4 ms of work were measured", () => {
  const mean = new MeanDuration();
  assertEquals([mean.among(0), mean.among(10)], [0, 10]);
  mean.add(1, 1_000);
  assertAlmostEquals(mean.among(10), 14.5, 0.1);
  assertEquals(mean.among(0), 1_000);
  mean.add(1, 3_000);
  assertEquals(mean.among(10), mean.microseconds);
});

Deno.test("MeanDuration.reset() replaces the mean, which one call hardly changes", () => {
  const mean = new MeanDuration();
  mean.add(100, 100);
  mean.reset(50_000);
  assertAlmostEquals(mean.microseconds, 50_000);
  assertEquals(mean.among(1), mean.microseconds);
  mean.add(1, 1);
  assertLess(39_000, mean.microseconds);
});

Deno.test("MeanDuration.reset() sets exactly the mean that it is given", () => {
  const mean = new MeanDuration();
  mean.add(100, 100);
  for (let microseconds = 20_000; microseconds < 90_000; microseconds += 7.3) {
    mean.reset(microseconds);
    assertEquals(mean.microseconds, microseconds);
    assertEquals(mean.among(1), microseconds);
  }
});
