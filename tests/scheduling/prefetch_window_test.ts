import {
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import { SharedPace } from "../../src/scheduling/shared_pace.ts";
import { PrefetchWindow } from "../../src/scheduling/prefetch_window.ts";

const MEBIBYTE = 2 ** 20;

function sent(window: PrefetchWindow, calls: number, bytes = 0): void {
  for (; calls > 0; calls--) window.sent(bytes);
}

/** A clock that the test sets. */
class Clock {
  #time = 0;
  readonly now = () => this.#time;

  tick(milliseconds: number): void {
    this.#time += milliseconds;
  }
}

/** Adds many measurements of one duration to a window. */
function learn(
  window: PrefetchWindow,
  microseconds: number,
  times = 100,
): void {
  for (; times > 0; times--) window.measured(1, microseconds, 1);
}

Deno.test("PrefetchWindow with a fixed prefetch holds that many calls in addition to the running ones", () => {
  const window = new PrefetchWindow(2, 1);
  assertEquals([window.limit, window.room, window.calls], [3, 3, 0]);
  sent(window, 3);
  assertEquals([window.room, window.calls], [0, 3]);
  window.returned(0);
  assertEquals([window.room, window.calls], [1, 2]);
});

Deno.test("PrefetchWindow without prefetch holds the running calls", () => {
  assertEquals(new PrefetchWindow(0, 1).limit, 1);
  assertEquals(new PrefetchWindow(0, 8).limit, 8);
});

Deno.test("PrefetchWindow adds prefetch to the calls that run", () => {
  assertEquals(new PrefetchWindow(3, 10).limit, 13);
});

Deno.test("PrefetchWindow with a fixed prefetch ignores times", () => {
  const window = new PrefetchWindow(4, 2);
  learn(window, 1);
  assertEquals(window.limit, 6);
  learn(window, 1_000_000);
  assertEquals(window.limit, 6);
});

Deno.test("PrefetchWindow of automatic size starts with the running calls", () => {
  assertEquals(new PrefetchWindow("auto", 1).limit, 1);
  assertEquals(new PrefetchWindow("auto", 7).limit, 7);
});

Deno.test("PrefetchWindow at most doubles with each measurement", () => {
  const window = new PrefetchWindow("auto", 1);
  const limits: number[] = [];
  for (let times = 0; times < 5; times++) {
    window.measured(1_000, 1_000, 1_000);
    limits.push(window.limit);
  }
  assertEquals(limits, [2, 4, 8, 16, 32]);
});

Deno.test("PrefetchWindow holds 4 ms of work beyond the running calls", () => {
  const window = new PrefetchWindow("auto", 3);
  learn(window, 100);
  assertEquals(window.limit, 3 + 40);
  const together = new PrefetchWindow("auto", 3);
  for (let times = 0; times < 100; times++) {
    together.measured(50, 50 * 100, 50);
  }
  assertEquals(together.limit, window.limit);
});

Deno.test("PrefetchWindow holds at most 4,096 tiny calls", () => {
  for (const microseconds of [0, 0.001, 1]) {
    const window = new PrefetchWindow("auto", 100);
    learn(window, microseconds);
    assertEquals(window.limit, 4_096);
  }
});

Deno.test("PrefetchWindow shrinks to the running calls when tasks become long", () => {
  for (const concurrency of [1, 5]) {
    const window = new PrefetchWindow("auto", concurrency);
    learn(window, 10);
    const before = window.limit;
    window.measured(1, 10_000, 1);
    assertLess(window.limit, before);
    learn(window, 10_000);
    assertEquals(window.limit, concurrency);
  }
});

Deno.test("PrefetchWindow changes little with one measurement", () => {
  const window = new PrefetchWindow("auto", 1);
  learn(window, 100);
  window.measured(1, 1, 1);
  assertLessOrEqual(window.limit, 1 + 40 / 0.75);
});

Deno.test("PrefetchWindow has no room after it shrinks below the calls in flight", () => {
  const window = new PrefetchWindow("auto", 1);
  learn(window, 10);
  sent(window, 100);
  learn(window, 1_000_000);
  assertLessOrEqual(window.room, 0);
  for (let calls = 0; calls < 100; calls++) window.returned(0);
  assertEquals(window.room, 1);
});

Deno.test("PrefetchWindow closes when 4 MiB of arguments are in flight", () => {
  const window = new PrefetchWindow(99, 1);
  window.sent(4 * MEBIBYTE - 1);
  assertEquals(window.room, 99);
  window.sent(1);
  assertEquals(window.room, 0);
  window.returned(1);
  assertEquals(window.room, 99);
});

Deno.test("PrefetchWindow closes when 4 MiB of results are expected", () => {
  const window = new PrefetchWindow(99, 1);
  window.measured(10, 1_000, 10 * MEBIBYTE);
  sent(window, 3);
  assertEquals(window.room, 97);
  window.sent(0);
  assertEquals(window.room, 0);
});

Deno.test("PrefetchWindow counts arguments and results together", () => {
  const window = new PrefetchWindow(99, 1);
  window.measured(1, 1_000, MEBIBYTE);
  window.sent(2 * MEBIBYTE);
  assertEquals(window.room, 99);
  window.sent(0);
  assertEquals(window.room, 0);
});

Deno.test("PrefetchWindow always has room for one call", () => {
  const window = new PrefetchWindow(99, 1);
  window.measured(1, 1_000, 100 * MEBIBYTE);
  assertEquals(window.room, 100);
  window.sent(0);
  assertEquals(window.room, 0);
  window.returned(0);
  assertEquals(window.room, 100);
});

Deno.test("PrefetchWindow has room for small calls besides one large one", () => {
  const window = new PrefetchWindow(99, 1);
  window.sent(100 * MEBIBYTE);
  assertEquals(window.room, 99);
  window.sent(4 * MEBIBYTE - 1);
  assertEquals(window.room, 98);
  window.sent(1);
  assertEquals(window.room, 0);
  window.returned(1);
  window.sent(100 * MEBIBYTE);
  assertEquals(window.room, 0);
  window.returned(100 * MEBIBYTE);
  assertEquals(window.room, 98);
});

Deno.test("PrefetchWindow of automatic size has room for another call while a large one is on its way", () => {
  const window = new PrefetchWindow("auto", 1);
  learn(window, 1_000_000);
  window.sent(4 * MEBIBYTE);
  assertEquals(window.room, 1);
  window.sent(0);
  assertEquals(window.room, 0);
  window.returned(4 * MEBIBYTE);
  assertEquals(window.room, 0);
});

Deno.test("PrefetchWindow always has room for as many calls as run at once", () => {
  const window = new PrefetchWindow(99, 4);
  window.measured(1, 1_000, 100 * MEBIBYTE);
  sent(window, 3, 100 * MEBIBYTE);
  assertEquals(window.room, 100);
  window.sent(0);
  assertEquals(window.room, 0);
});

Deno.test("PrefetchWindow.shrunk() counts the rest of a large call that was cut", () => {
  const window = new PrefetchWindow(99, 1);
  sent(window, 2, 5 * MEBIBYTE);
  assertEquals(window.room, 0);
  window.shrunk(5 * MEBIBYTE, 3 * MEBIBYTE);
  assertEquals(window.room, 98);
  window.shrunk(3 * MEBIBYTE, MEBIBYTE);
  window.sent(2 * MEBIBYTE);
  assertEquals(window.room, 97);
  window.sent(MEBIBYTE);
  assertEquals(window.room, 0);
});

Deno.test("PrefetchWindow opens again when results become small", () => {
  const window = new PrefetchWindow(99, 1);
  window.measured(1, 1_000, 100 * MEBIBYTE);
  window.sent(0);
  assertEquals(window.room, 0);
  learn(window, 1_000);
  assertEquals(window.room, 99);
});

Deno.test("PrefetchWindow of a distant worker holds what runs while a call is on its way", () => {
  const time = new Clock();
  const window = new PrefetchWindow("auto", 1, { now: time.now });
  window.sent(0);
  time.tick(41);
  window.measured(1, 1_000, 1);
  window.returned(0);
  assertEquals(window.delay, 40);
  learn(window, 1_000);
  // 60 ms of work: one and a half times the delay.
  assertEquals(window.limit, 1 + 60);
  learn(window, 1_000_000);
  // Others may be short.
  assertEquals(window.limit, 1 + 32);
});

Deno.test("PrefetchWindow of a local worker isn't distant, even if its first call is slow", () => {
  for (const isLocal of [true, false]) {
    const clock = new Clock();
    const window = new PrefetchWindow("auto", 1, { isLocal, now: clock.now });
    window.sent(0);
    clock.tick(41);
    window.measured(1, 1_000, 1);
    assertEquals(window.isDistant, !isLocal);
  }
});

Deno.test("PrefetchWindow.delay is the time of small calls", () => {
  const clock = new Clock();
  const window = new PrefetchWindow("auto", 1, { now: clock.now });
  for (
    const [argument, result, delay] of [
      [MEBIBYTE, 1, 0],
      [1, MEBIBYTE, 0],
      [1, 1, 7],
    ] as const
  ) {
    window.sent(argument);
    clock.tick(7);
    window.measured(1, 0, result);
    window.returned(argument);
    assertEquals(window.delay, delay);
  }
});

Deno.test("PrefetchWindow.silence is the time since the first call or the last answer", () => {
  const time = new Clock();
  const window = new PrefetchWindow("auto", 1, { now: time.now });
  assertEquals(window.silence, 0);
  window.sent(0);
  time.tick(5);
  window.sent(0);
  assertEquals(window.silence, 5);
  window.measured(1, 1_000, 1);
  window.returned(0);
  time.tick(2);
  assertEquals(window.silence, 2);
  window.returned(0);
  assertEquals(window.silence, 0);
});

Deno.test("PrefetchWindow.silence doesn't count the time that the pool took to send calls", () => {
  const clock = new Clock();
  const pace = new SharedPace();
  const window = new PrefetchWindow("auto", 1, { pace, now: clock.now });
  pace.sent(100);
  sent(window, 2);
  clock.tick(30);
  pace.sent(20);
  assertEquals(window.silence, 10);
  window.measured(1, 1, 1);
  window.returned(0);
  clock.tick(5);
  assertEquals(window.silence, 5);
});

Deno.test("PrefetchWindow.silence of a distant worker begins when it could answer", () => {
  const time = new Clock();
  const window = new PrefetchWindow("auto", 1, { now: time.now });
  window.sent(0);
  time.tick(40);
  window.measured(1, 0, 1);
  window.returned(0);
  window.sent(0);
  time.tick(30);
  assertEquals(window.silence, 0);
  time.tick(30);
  assertEquals(window.silence, 20);
});

Deno.test("PrefetchWindow.needed is what a distant worker needs to be busy", () => {
  const time = new Clock();
  const window = new PrefetchWindow("auto", 1, { now: time.now });
  learn(window, 1_000);
  assertEquals(window.needed, Infinity);
  window.sent(0);
  time.tick(41);
  window.measured(1, 1_000, 1);
  assertEquals(window.needed, 1 + 60);
});

Deno.test("PrefetchWindow.hold() leaves no room until the worker answers", () => {
  const window = new PrefetchWindow("auto", 1);
  learn(window, 10);
  sent(window, 2);
  window.hold();
  assertEquals([window.isSlow, window.room], [true, 0]);
  window.measured(1, 10, 1);
  assertEquals([window.isSlow, window.room], [false, 399]);
});

Deno.test("PrefetchWindow.hold() leaves no room in a fixed window either", () => {
  const window = new PrefetchWindow(3, 1);
  sent(window, 2);
  window.hold();
  assertEquals([window.isSlow, window.room], [true, 0]);
  window.measured(1, 10, 1);
  assertEquals([window.isSlow, window.room], [false, 2]);
});

Deno.test("PrefetchWindow.expect() raises the average, but doesn't lower it", () => {
  const window = new PrefetchWindow("auto", 1);
  learn(window, 10);
  window.expect(1_000);
  assertEquals([window.microseconds, window.limit], [1_000, 5]);
  window.expect(100);
  assertEquals([window.microseconds, window.limit], [1_000, 5]);
});

Deno.test("PrefetchWindow.slowed() shrinks the window before a long call returns", () => {
  const time = new Clock();
  const window = new PrefetchWindow("auto", 1, { now: time.now });
  learn(window, 10);
  assertEquals(window.limit, 401);
  sent(window, 401);
  time.tick(100);
  window.slowed();
  assertEquals([window.limit, window.room], [1, -400]);
});

Deno.test("PrefetchWindow begins with the limit of the pool's other windows", () => {
  const pace = new SharedPace();
  const first = new PrefetchWindow("auto", 1, { pace });
  const second = new PrefetchWindow("auto", 1, { pace });
  assertEquals(second.limit, 1);
  learn(first, 10);
  assertEquals(second.limit, 401);
  learn(second, 1_000);
  assertEquals(second.limit, 5);
});

Deno.test("PrefetchWindow hardly changes when one of thousands of tiny calls takes long", () => {
  const window = new PrefetchWindow("auto", 1);
  for (let times = 0; times < 20; times++) window.measured(1_000, 1_000, 1);
  const before = window.limit;
  window.measured(1, 2_000, 1);
  assertLess(before / 2, window.limit);
});

Deno.test("PrefetchWindow expects calls to take as long as at other workers until the worker has done enough", () => {
  const pace = new SharedPace();
  learn(new PrefetchWindow("auto", 1, { pace }), 10);
  const window = new PrefetchWindow("auto", 1, { pace });
  assertEquals(window.microseconds, 10);
  window.measured(1, 1_000, 1);
  assertLess(window.microseconds, 100);
  assertLess(100, window.limit);
  window.measured(3, 3_000, 1);
  assertAlmostEquals(window.microseconds, 1_000);
});

Deno.test("PrefetchWindow.slowed() ends the expectation that a worker is like the others", () => {
  const pace = new SharedPace();
  learn(new PrefetchWindow("auto", 1, { pace }), 10);
  const time = new Clock();
  const window = new PrefetchWindow("auto", 1, { pace, now: time.now });
  sent(window, 401);
  time.tick(100);
  window.slowed();
  assertEquals([window.limit, window.microseconds], [1, 100_000]);
});
