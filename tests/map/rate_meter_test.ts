import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { RateMeter } from "../../src/map/rate_meter.ts";

const SECOND = 1_000;

Deno.test("RateMeter.read() returns 0 until an item has ended", () => {
  const meter = new RateMeter();
  assertEquals(meter.read({ elapsed: 0, taken: 0, ended: 0 }), 0);
  assertEquals(meter.read({ elapsed: SECOND, taken: 8, ended: 0 }), 0);
});

Deno.test("RateMeter.read() returns the average if it is read once", () => {
  const meter = new RateMeter();
  const rate = meter.read({ elapsed: 2 * SECOND, taken: 100, ended: 50 });
  assertEquals(rate, 25);
});

Deno.test("RateMeter.read() leaves out the time until the first item is taken", () => {
  const meter = new RateMeter();
  meter.read({ elapsed: 60 * SECOND, taken: 0, ended: 0 });
  const rate = meter.read({ elapsed: 61 * SECOND, taken: 20, ended: 10 });
  assertAlmostEquals(rate, 10);
});

Deno.test("RateMeter.read() follows a rate that changes", () => {
  const meter = new RateMeter();
  let ended = 0;
  let rate = 0;
  const run = (from: number, to: number, perSecond: number) => {
    for (let second = from; second < to; second++) {
      ended += perSecond;
      const elapsed = (second + 1) * SECOND;
      rate = meter.read({ elapsed, taken: ended + 10, ended });
    }
  };
  run(0, 100, 50);
  assertAlmostEquals(rate, 50, 0.01);
  run(100, 105, 10);
  assertGreater(rate, 20);
  run(105, 150, 10);
  assertAlmostEquals(rate, 10, 1);
});

Deno.test("RateMeter.read() falls while nothing ends", () => {
  const meter = new RateMeter();
  meter.read({ elapsed: SECOND, taken: 20, ended: 10 });
  const rate = meter.read({ elapsed: 10 * SECOND, taken: 20, ended: 10 });
  assertAlmostEquals(rate, 1, 0.3);
});

Deno.test("RateMeter.read() is steady if long items end together", () => {
  const meter = new RateMeter();
  const rates: number[] = [];
  // 100 workers, and 60 s for each item.
  for (let second = 1; second <= 1_200; second++) {
    const ended = Math.floor(second / 60) * 100;
    const elapsed = second * SECOND;
    const rate = meter.read({ elapsed, taken: ended + 100, ended });
    if (second > 600) rates.push(rate);
  }
  assertGreater(Math.min(...rates), 1.4);
  assertGreater(1.9, Math.max(...rates));
});

Deno.test("RateMeter.read() doesn't depend on how often it is read", () => {
  const often = new RateMeter();
  const seldom = new RateMeter();
  for (let time = 0; time < 5 * SECOND; time += 10) {
    often.read({ elapsed: time, taken: 2_000, ended: time / 10 });
  }
  const last = { elapsed: 5 * SECOND, taken: 2_000, ended: 500 };
  assertAlmostEquals(often.read(last), seldom.read(last), 0.5);
});
