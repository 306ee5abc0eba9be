import { assert, assertEquals, assertFalse } from "@std/assert";
import { ChunkSize } from "../src/chunk_size.ts";

/** The sizes of chunks that follow each other, given the time of an item. */
function sizes(size: ChunkSize, microseconds: number, count: number): number[] {
  return Array.from({ length: count }, () => {
    const { items } = size;
    size.measured(items, items * microseconds);
    return items;
  });
}

Deno.test("ChunkSize that is fixed stays", () => {
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
  size.measured(1_000, 2 ** 32 - 1);
  assertEquals(size.items, 1);
});

Deno.test("ChunkSize grows by what was measured, not by what is the size now", () => {
  const size = new ChunkSize("auto");
  sizes(size, 1, 20);
  size.measured(3, 1);
  assertEquals(size.items, 6);
});
