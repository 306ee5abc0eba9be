import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { QueueWindow } from "../src/queue_window.ts";

const MEBIBYTE = 2 ** 20;

function sent(window: QueueWindow, calls: number, bytes = 0): void {
  for (; calls > 0; calls--) window.sent(bytes);
}

/** Tells a window many times how long calls take. */
function learn(window: QueueWindow, microseconds: number, times = 100): void {
  for (; times > 0; times--) window.measured(1, microseconds, 1);
}

Deno.test("QueueWindow of a fixed qsize holds that many calls", () => {
  const window = new QueueWindow(3, 1);
  assertEquals([window.limit, window.room, window.calls], [3, 3, 0]);
  sent(window, 3);
  assertEquals([window.room, window.calls], [0, 3]);
  window.returned(0);
  assertEquals([window.room, window.calls], [1, 2]);
});

Deno.test("QueueWindow of qsize 1 holds what runs", () => {
  assertEquals(new QueueWindow(1, 1).limit, 1);
  assertEquals(new QueueWindow(1, 8).limit, 8);
});

Deno.test("QueueWindow counts qsize beyond the calls that run", () => {
  assertEquals(new QueueWindow(4, 10).limit, 13);
});

Deno.test("QueueWindow of a fixed qsize learns nothing from times", () => {
  const window = new QueueWindow(5, 2);
  learn(window, 1);
  assertEquals(window.limit, 6);
  learn(window, 1_000_000);
  assertEquals(window.limit, 6);
});

Deno.test("QueueWindow of automatic size begins with what runs", () => {
  assertEquals(new QueueWindow("auto", 1).limit, 1);
  assertEquals(new QueueWindow("auto", 7).limit, 7);
});

Deno.test("QueueWindow at the most doubles with each measurement", () => {
  const window = new QueueWindow("auto", 1);
  const limits: number[] = [];
  for (let times = 0; times < 5; times++) {
    window.measured(1_000, 1_000, 1_000);
    limits.push(window.limit);
  }
  assertEquals(limits, [2, 4, 8, 16, 32]);
});

Deno.test("QueueWindow holds 4 ms of work beyond what runs", () => {
  const window = new QueueWindow("auto", 3);
  learn(window, 100);
  assertEquals(window.limit, 3 + 40);
  const together = new QueueWindow("auto", 3);
  for (let times = 0; times < 100; times++) {
    together.measured(50, 50 * 100, 50);
  }
  assertEquals(together.limit, window.limit);
});

Deno.test("QueueWindow holds some thousands of tiny calls, not more", () => {
  for (const microseconds of [0, 0.001, 1]) {
    const window = new QueueWindow("auto", 100);
    learn(window, microseconds);
    assertEquals(window.limit, 4_096);
  }
});

Deno.test("QueueWindow shrinks to what runs when tasks become long", () => {
  for (const concurrency of [1, 5]) {
    const window = new QueueWindow("auto", concurrency);
    learn(window, 10);
    const before = window.limit;
    window.measured(1, 10_000, 1);
    assertLess(window.limit, before);
    learn(window, 10_000);
    assertEquals(window.limit, concurrency);
  }
});

Deno.test("QueueWindow isn't led far astray by one measurement", () => {
  const window = new QueueWindow("auto", 1);
  learn(window, 100);
  window.measured(1, 1, 1);
  assertLessOrEqual(window.limit, 1 + 40 / 0.75);
});

Deno.test("QueueWindow that shrinks below what is under way has no room", () => {
  const window = new QueueWindow("auto", 1);
  learn(window, 10);
  sent(window, 100);
  learn(window, 1_000_000);
  assertLessOrEqual(window.room, 0);
  for (let calls = 0; calls < 100; calls++) window.returned(0);
  assertEquals(window.room, 1);
});

Deno.test("QueueWindow closes when 4 MiB are under way", () => {
  const window = new QueueWindow(100, 1);
  window.sent(4 * MEBIBYTE - 1);
  assertEquals(window.room, 99);
  window.sent(1);
  assertEquals(window.room, 0);
  window.returned(1);
  assertEquals(window.room, 99);
});

Deno.test("QueueWindow closes when 4 MiB of results are expected", () => {
  const window = new QueueWindow(100, 1);
  window.measured(10, 1_000, 10 * MEBIBYTE);
  sent(window, 3);
  assertEquals(window.room, 97);
  window.sent(0);
  assertEquals(window.room, 0);
});

Deno.test("QueueWindow counts arguments and results together", () => {
  const window = new QueueWindow(100, 1);
  window.measured(1, 1_000, MEBIBYTE);
  window.sent(2 * MEBIBYTE);
  assertEquals(window.room, 99);
  window.sent(0);
  assertEquals(window.room, 0);
});

Deno.test("QueueWindow always has room for one call", () => {
  const window = new QueueWindow(100, 1);
  window.measured(1, 1_000, 100 * MEBIBYTE);
  assertEquals(window.room, 100);
  window.sent(100 * MEBIBYTE);
  assertEquals(window.room, 0);
  window.returned(100 * MEBIBYTE);
  assertEquals(window.room, 100);
});

Deno.test("QueueWindow opens again when results become small", () => {
  const window = new QueueWindow(100, 1);
  window.measured(1, 1_000, 100 * MEBIBYTE);
  window.sent(0);
  assertEquals(window.room, 0);
  learn(window, 1_000);
  assertEquals(window.room, 99);
});
