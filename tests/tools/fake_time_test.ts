/**
 * What the tests need of `FakeTime`, from JSR or from the stand-in that
 * `deno task deps` makes.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { FakeTime, TimeError } from "../helpers/fake_time.ts";

Deno.test("FakeTime fires timers that are due, in order", () => {
  using time = new FakeTime(1_000);
  const fired: unknown[] = [];
  setTimeout((label) => fired.push(label, time.now), 100, "late");
  setTimeout(() => fired.push("early", Date.now()), 50);
  clearTimeout(setTimeout(() => fired.push("cleared"), 50));
  const interval = setInterval(() => fired.push("interval"), 40);
  time.tick(99);
  assertEquals(fired, ["interval", "early", 1_050, "interval"]);
  clearInterval(interval);
  time.tick(1);
  assertEquals(fired.slice(4), ["late", 1_100]);
});

Deno.test("FakeTime fires timers that other timers set, in the same tick", () => {
  using time = new FakeTime();
  let isFired = false;
  setTimeout(() => setTimeout(() => isFired = true, 0), 10);
  time.tick(10);
  assert(isFired);
});

Deno.test("FakeTime.next() fires all timers that are due next", () => {
  using time = new FakeTime();
  let fired = 0;
  for (const ms of [5, 5, 6]) setTimeout(() => fired++, ms);
  assert(time.next());
  assertEquals([fired, time.now - time.start], [2, 5]);
  assert(time.next());
  assertFalse(time.next());
});

Deno.test("FakeTime.tickAsync() lets promises settle before the time passes", async () => {
  using time = new FakeTime();
  let isFired = false;
  Promise.resolve().then(() => setTimeout(() => isFired = true, 10));
  await time.tickAsync(10);
  assert(isFired);
});

Deno.test("FakeTime replaces AbortSignal.timeout()", () => {
  using time = new FakeTime();
  const signal = AbortSignal.timeout(10);
  time.tick(9);
  assertFalse(signal.aborted);
  time.tick(1);
  assertEquals(signal.reason.name, "TimeoutError");
});

Deno.test("FakeTime with an advance rate passes by itself", async () => {
  using _ = new FakeTime(null, { advanceRate: 1 });
  await new Promise((resolve) => setTimeout(resolve, 15));
});

Deno.test("FakeTime.restoreFor() restores real time until a promise settles", async () => {
  const { setTimeout } = globalThis;
  using _ = new FakeTime();
  const fake = globalThis.setTimeout;
  assert(fake !== setTimeout);
  await FakeTime.restoreFor(async () => {
    await Promise.resolve();
    assertEquals(globalThis.setTimeout, setTimeout);
  });
  assertEquals(globalThis.setTimeout, fake);
  const failing = () => Promise.reject(new RangeError("no"));
  await assertRejects(() => FakeTime.restoreFor(failing), RangeError);
  assertEquals(globalThis.setTimeout, fake);
});

Deno.test("FakeTime gives everything back at the end of its scope", () => {
  const { Date, setTimeout, clearTimeout } = globalThis;
  const { timeout } = AbortSignal;
  {
    using _ = new FakeTime();
    assertThrows(() => new FakeTime(), TimeError);
  }
  assertEquals([globalThis.Date, AbortSignal.timeout], [Date, timeout]);
  assertEquals(
    [globalThis.setTimeout, globalThis.clearTimeout],
    [setTimeout, clearTimeout],
  );
  assertThrows(() => FakeTime.restore(), TimeError);
});
