import { assertEquals } from "@std/assert";
import { ItemTime } from "../../src/scaling/item_time.ts";

Deno.test("ItemTime.microseconds is the average of the items so far", () => {
  const time = new ItemTime();
  assertEquals(time.microseconds, 0);
  time.update(10, 1_000);
  assertEquals(time.microseconds, 100);
  time.update(10, 1_000);
  assertEquals(time.microseconds, 100);
  time.update(20, 4_000);
  assertEquals(time.microseconds, 200);
});

Deno.test("ItemTime.microseconds covers the latest hundred items", () => {
  const time = new ItemTime();
  time.update(100, 1_000);
  time.update(150, 1_000 + 50 * 30);
  assertEquals(time.microseconds, 20);
  time.update(1_150, 2_500 + 1_000 * 7);
  assertEquals(time.microseconds, 7);
});
