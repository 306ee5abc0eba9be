import { assertEquals } from "@std/assert";
import { StartTime } from "../../src/scaling/start_time.ts";

Deno.test("StartTime.milliseconds moves toward what workers took", () => {
  const time = new StartTime(100);
  assertEquals(time.milliseconds, 100);
  time.asked(3, 1_000);
  time.joined(1_200);
  assertEquals(time.milliseconds, 200);
  time.joined(1_600);
  assertEquals(time.milliseconds, 300);
  time.joined(1_300);
  assertEquals(time.milliseconds, 300);
});

Deno.test("StartTime.keep() forgets workers that were asked for last", () => {
  const time = new StartTime(100);
  time.asked(1, 1_000);
  time.asked(2, 2_000);
  time.keep(1);
  time.asked(1, 9_000);
  time.joined(1_300);
  assertEquals(time.milliseconds, 300);
  time.joined(9_300);
  assertEquals(time.milliseconds, 300);
});

Deno.test("StartTime ignores workers that weren't asked for", () => {
  const time = new StartTime(100);
  time.joined(5_000);
  time.asked(3, 5_000);
  time.calledOff(2);
  time.joined(5_100);
  time.joined(9_000);
  assertEquals(time.milliseconds, 100);
});
