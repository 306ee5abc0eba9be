import { assertEquals } from "@std/assert";
import { LimitedWindow } from "../../src/scheduling/limited_window.ts";
import { PrefetchWindow } from "../../src/scheduling/prefetch_window.ts";

Deno.test("LimitedWindow has no more room than its worker may get items", () => {
  const window = new LimitedWindow(9, 1, 3);
  assertEquals([window.room, window.itemsLeft], [3, 3]);
  window.sent(1, 2);
  assertEquals([window.room, window.itemsLeft], [1, 1]);
  window.sent(1, 1);
  window.returned(1);
  window.returned(1);
  assertEquals([window.room, window.itemsLeft, window.calls], [0, 0, 0]);
});

Deno.test("LimitedWindow has room again for items that were given back", () => {
  const window = new LimitedWindow(9, 1, 3);
  window.sent(1, 3);
  window.returned(1);
  window.givenBack(3);
  assertEquals([window.room, window.itemsLeft], [3, 3]);
});

Deno.test("LimitedWindow counts a call that was paused once", () => {
  const window = new LimitedWindow(0, 1, 2);
  window.sent(1, 1);
  window.returned(1);
  window.sent(1);
  assertEquals([window.room, window.itemsLeft], [0, 1]);
  window.returned(1);
  assertEquals(window.room, 1);
});

Deno.test("LimitedWindow reports what it got and has answered", () => {
  const window = new LimitedWindow(9, 1, 3);
  const seen: number[] = [];
  window.onChange = () => seen.push(window.itemsLeft);
  window.sent(1, 1);
  window.sent(1, 2);
  window.returned(1);
  assertEquals(seen, [2, 0, 0]);
});

Deno.test("PrefetchWindow.itemsLeft is infinite", () => {
  const window = new PrefetchWindow(9, 1);
  window.sent(1, 1_000);
  assertEquals([window.itemsLeft, window.room], [Infinity, 9]);
});
