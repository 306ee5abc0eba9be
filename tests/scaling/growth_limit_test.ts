import { assertEquals } from "@std/assert";
import { GrowthLimit } from "../../src/scaling/growth_limit.ts";

const START_TIME = 10_000;
const MINUTE = 60_000;

/** Returns whether a host may grow at these times. */
function mayGrow(
  limit: GrowthLimit,
  pending: number,
  refused: number,
  ...times: number[]
): boolean[] {
  return times.map((now) =>
    limit.mayGrow(now, { pending, refused }, START_TIME)
  );
}

Deno.test("GrowthLimit.mayGrow() is false for a minute after a refusal", () => {
  const limit = new GrowthLimit();
  assertEquals(mayGrow(limit, 0, 0, 1), [true]);
  assertEquals(mayGrow(limit, 0, 1, 2, MINUTE + 1, MINUTE + 2), [
    false,
    false,
    true,
  ]);
  assertEquals(mayGrow(limit, 0, 2, MINUTE + 3), [false]);
});

Deno.test("GrowthLimit.mayGrow() is true after a refusal if a worker has ended", () => {
  const limit = new GrowthLimit();
  assertEquals(mayGrow(limit, 0, 1, 1), [false]);
  limit.joined();
  assertEquals(mayGrow(limit, 0, 1, 2), [false]);
  limit.ended();
  assertEquals(mayGrow(limit, 0, 1, 3), [true]);
});

Deno.test("GrowthLimit.mayGrow() is false while workers wait for longer than a start", () => {
  const limit = new GrowthLimit();
  assertEquals(mayGrow(limit, 4, 0, 0, START_TIME), [true, true]);
  const late = START_TIME + 1;
  assertEquals(mayGrow(limit, 4, 0, late, late + MINUTE - 1), [false, false]);
  // Once in a minute it may try again.
  const again = late + MINUTE;
  assertEquals(mayGrow(limit, 4, 0, again, again + late), [true, false]);
});

Deno.test("GrowthLimit.mayGrow() is true once a waiting worker has joined", () => {
  const limit = new GrowthLimit();
  assertEquals(mayGrow(limit, 4, 0, 0, START_TIME + 1), [true, false]);
  limit.joined();
  const joined = START_TIME + 2;
  assertEquals(mayGrow(limit, 3, 0, joined, joined + START_TIME), [true, true]);
});

Deno.test("GrowthLimit.mayGrow() is true while workers leave the queue in time", () => {
  const limit = new GrowthLimit();
  assertEquals(mayGrow(limit, 1, 0, 0), [true]);
  assertEquals(mayGrow(limit, 0, 0, START_TIME), [true]);
  assertEquals(mayGrow(limit, 1, 0, START_TIME + 1, 2 * START_TIME), [
    true,
    true,
  ]);
});
