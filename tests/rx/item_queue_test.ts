import { assertEquals, assertRejects } from "@std/assert";
import { ItemQueue } from "../../src/rx/item_queue.ts";

Deno.test("ItemQueue yields items that wait, then items as they come", async () => {
  const items = new ItemQueue<number>();
  items.push(1);
  items.push(2);
  assertEquals(await items.next(), { done: false, value: 1 });
  assertEquals(await items.next(), { done: false, value: 2 });
  const next = items.next();
  items.push(3);
  assertEquals(await next, { done: false, value: 3 });
});

Deno.test("ItemQueue.end() ends the items after those that wait", async () => {
  const items = new ItemQueue<number>();
  items.push(1);
  items.end();
  items.push(2);
  assertEquals(await Array.fromAsync(items), [1]);
  assertEquals(await items.next(), { done: true, value: undefined });
});

Deno.test("ItemQueue.end() ends a pending request", async () => {
  const items = new ItemQueue<number>();
  const next = items.next();
  items.end();
  assertEquals(await next, { done: true, value: undefined });
});

Deno.test("ItemQueue.fail() throws once, after the items that wait", async () => {
  const items = new ItemQueue<number>();
  items.push(1);
  items.fail(new RangeError("enough"));
  items.push(2);
  assertEquals(await items.next(), { done: false, value: 1 });
  await assertRejects(() => items.next(), RangeError, "enough");
  assertEquals(await items.next(), { done: true, value: undefined });
});

Deno.test("ItemQueue.fail() rejects a pending request", async () => {
  const items = new ItemQueue<number>();
  const next = items.next();
  items.fail(new RangeError("enough"));
  await assertRejects(() => next, RangeError, "enough");
  assertEquals(await items.next(), { done: true, value: undefined });
});

Deno.test("ItemQueue.return() drops the items and the error that wait", async () => {
  const items = new ItemQueue<number>();
  items.push(1);
  items.fail(new RangeError("enough"));
  assertEquals(await items.return(), { done: true, value: undefined });
  items.push(2);
  assertEquals(await items.next(), { done: true, value: undefined });
});

Deno.test("ItemQueue.return() ends a pending request", async () => {
  const items = new ItemQueue<number>();
  const next = items.next();
  await items.return();
  assertEquals(await next, { done: true, value: undefined });
});
