import { assert, assertEquals, assertFalse } from "@std/assert";
import { ChunkSize } from "../../src/map/chunk_size.ts";

const MEBIBYTE = 2 ** 20;

/**
 * Returns the sizes of consecutive chunks, given each item's duration and its
 * bytes including the result.
 */
function sizes(
  size: ChunkSize,
  microseconds: number,
  count: number,
  bytes = 1,
): number[] {
  return Array.from({ length: count }, () => {
    const { items } = size;
    size.measured(items, items * microseconds, items * bytes);
    return items;
  });
}

Deno.test("ChunkSize never changes if it is fixed", () => {
  const size = new ChunkSize(7);
  assertEquals(sizes(size, 1, 3), [7, 7, 7]);
  assertEquals(sizes(size, 1_000_000, 3), [7, 7, 7]);
});

Deno.test("ChunkSize is single only if it is fixed to 1", () => {
  assert(new ChunkSize(1).single);
  assertFalse(new ChunkSize(2).single);
  assertFalse(new ChunkSize("auto").single);
});

Deno.test("ChunkSize doubles until chunks take a millisecond", () => {
  const size = new ChunkSize("auto");
  assertEquals(sizes(size, 100, 6), [1, 2, 4, 8, 10, 10]);
});

Deno.test("ChunkSize has at most 1,000 items", () => {
  const size = new ChunkSize("auto");
  assertEquals(sizes(size, 0, 12).slice(-3), [512, 1_000, 1_000]);
});

Deno.test("ChunkSize has at least one item", () => {
  const size = new ChunkSize("auto");
  sizes(size, 1, 20);
  size.measured(1_000, 2 ** 32 - 1, 1_000);
  assertEquals(size.items, 1);
});

Deno.test("ChunkSize grows from the measured chunk, not from the current size", () => {
  const size = new ChunkSize("auto");
  sizes(size, 1, 20);
  size.measured(3, 1, 3);
  assertEquals(size.items, 6);
});

Deno.test("ChunkSize doubles until chunks reach a mebibyte", () => {
  const size = new ChunkSize("auto");
  assertEquals(size.itemBytes, undefined);
  assertEquals(sizes(size, 1, 5, 200_000), [1, 2, 4, 5, 5]);
  assertEquals(size.itemBytes, 200_000);
});

Deno.test("ChunkSize is one if an item is larger than a mebibyte", () => {
  assertEquals(sizes(new ChunkSize("auto"), 1, 3, 16 * MEBIBYTE), [1, 1, 1]);
});

Deno.test("ChunkSize shrinks at once when items become large", () => {
  const size = new ChunkSize("auto");
  sizes(size, 1, 20);
  size.measured(1_000, 1, 1_000 * 300_000);
  assertEquals(size.items, 3);
});

Deno.test("ChunkSize grows step by step when items become small again", () => {
  const size = new ChunkSize("auto");
  sizes(size, 1, 3, 3 * MEBIBYTE);
  const grown = sizes(size, 1, 100);
  assertEquals(grown.slice(0, 4), [1, 1, 1, 1]);
  assertEquals(grown.at(-1), 1_000);
  assertEquals(grown.toSorted((a, b) => a - b), grown);
});

Deno.test("ChunkSize learns the size of items if it is fixed", () => {
  const size = new ChunkSize(7);
  assertEquals(sizes(size, 1, 3, MEBIBYTE), [7, 7, 7]);
  assertEquals(size.itemBytes, MEBIBYTE);
});

Deno.test("ChunkSize ignores items without bytes", () => {
  const size = new ChunkSize("auto");
  assertEquals(sizes(size, 0, 12, 0).at(-1), 1_000);
  assertEquals(size.itemBytes, 0);
});

Deno.test("ChunkSize shrinks as soon as large items are sent", () => {
  const size = new ChunkSize("auto");
  sizes(size, 1, 20);
  size.sent(10, 10 * 300_000);
  assertEquals([size.items, size.itemBytes], [3, 300_000]);
  size.sent(10, 10);
  assertEquals([size.items, size.itemBytes], [3, 300_000]);
  const fixed = new ChunkSize(7);
  fixed.sent(7, 7 * MEBIBYTE);
  assertEquals([fixed.items, fixed.itemBytes], [7, MEBIBYTE]);
});

Deno.test("ChunkSize.microseconds hardly counts a single chunk that took long", () => {
  const size = new ChunkSize("auto");
  size.measured(1, 10, 1);
  size.measured(1, 1_000, 1);
  assertEquals([size.items, size.microseconds], [1, 20]);
});
