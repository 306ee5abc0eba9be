import { assertEquals, assertRejects } from "@std/assert";
import { MapIterator, type ResultReader } from "../../src/map/map_iterator.ts";

/** A reader of batches that a test adds. */
class Reader implements ResultReader {
  readonly progress = {
    task: "task",
    ordered: true,
    phase: "running",
    taken: 0,
    done: 0,
  } as const;
  /** The batches that have arrived; an error ends the map. */
  readonly batches: (readonly number[] | Error)[] = [];
  /** Whether the map has ended. */
  isOver = false;

  advance(): "values" | "waiting" | "end" {
    const next = this.batches[0];
    if (this.isOver) return "end";
    if (next === undefined) return "waiting";
    if (next instanceof Error) throw next;
    return "values";
  }

  collect(): void {}

  take(): readonly unknown[] {
    return this.batches.shift() as readonly number[];
  }

  close(): Promise<void> {
    this.isOver = true;
    return Promise.resolve();
  }
}

function makeIterator(...batches: (readonly number[] | Error)[]) {
  const reader = new Reader();
  reader.batches.push(...batches);
  return { reader, results: new MapIterator<number>(reader) };
}

Deno.test("MapIterator.next() returns each result once, even to calls at the same time", async () => {
  const { reader, results } = makeIterator([1, 2, 3]);
  const kept = Array.from({ length: 6 }, () => results.next());
  reader.batches.push([4, 5]);
  results.serve();
  reader.isOver = true;
  results.serve();
  const settled = await Promise.all(kept);
  assertEquals(
    settled.map(({ value }) => value),
    [1, 2, 3, 4, 5, undefined],
  );
  assertEquals(settled[5]?.done, true);
});

Deno.test("MapIterator.toArray() returns the results that next() left", async () => {
  const { reader, results } = makeIterator([1, 2, 3], [4]);
  assertEquals((await results.next()).value, 1);
  const rest = results.toArray();
  reader.batches.push([5]);
  results.serve();
  await Promise.resolve();
  reader.isOver = true;
  results.serve();
  assertEquals(await rest, [2, 3, 4, 5]);
});

Deno.test("MapIterator.nextBatch() returns the results that next() left", async () => {
  const { reader, results } = makeIterator([1, 2, 3], [4]);
  assertEquals((await results.next()).value, 1);
  assertEquals(await results.nextBatch(), [2, 3]);
  assertEquals(await results.nextBatch(), [4]);
  reader.isOver = true;
  assertEquals(await results.nextBatch(), undefined);
});

Deno.test("MapIterator throws an error after the results before it", async () => {
  const { results } = makeIterator([1, 2], new Error("no"));
  assertEquals((await results.next()).value, 1);
  assertEquals((await results.next()).value, 2);
  await assertRejects(() => results.next(), Error, "no");
});

Deno.test("MapIterator.return() drops the results that weren't read", async () => {
  const { results } = makeIterator([1, 2, 3]);
  assertEquals((await results.next()).value, 1);
  assertEquals(await results.return(), { done: true, value: undefined });
  assertEquals(await results.next(), { done: true, value: undefined });
  assertEquals(await results.toArray(), []);
});
