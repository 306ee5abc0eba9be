import { assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { Pool } from "../../mod.ts";
import {
  measureClock,
  measureRoundTrip,
  measureThroughput,
} from "../../src/doctor/measure.ts";

Deno.test("measureClock() returns the fastest answer", async () => {
  const roundTrips = [5, 3, 1, 2, 4, 6, 7, 8, 9, 10];
  let pings = 0;
  const ping = () => {
    const roundTrip = roundTrips[pings++]!;
    return Promise.resolve({ roundTrip, clockOffset: roundTrip * 100 });
  };
  const best = await measureClock({ ping });
  assertEquals(best.roundTrip, Math.min(...roundTrips.slice(0, pings)));
  assertEquals(best.clockOffset, best.roundTrip * 100);
});

Deno.test("measureRoundTrip() and measureThroughput() measure a pool", async () => {
  await using pool = new Pool(1);
  const { median, count } = await measureRoundTrip(pool);
  assertGreater(median, 0);
  assertGreater(count, 0);
  assertLessOrEqual(count, 200);
  assertGreater(await measureThroughput(pool), 0);
});
