import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { MapIterator, type ResultReader } from "../../src/map/map_iterator.ts";

/** A reader of batches that a test adds. */
class Reader implements ResultReader {
  readonly state = {
    task: "task",
    ordered: true,
    phase: "running",
    total: undefined,
    taken: 0,
    done: 0,
    failed: 0,
    running: 0,
    elapsed: 0,
    skipped: 0,
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

  readonly failedIndex = undefined;

  settle(): void {}

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

Deno.test("MapIterator.batches() returns what has arrived, in one array", async () => {
  const { reader, results } = makeIterator([1, 2, 3], [4], [5]);
  assertEquals((await results.next()).value, 1);
  const batches = results.batches();
  assertEquals((await batches.next()).value, [2, 3, 4, 5]);
  const later = batches.next();
  reader.batches.push([6]);
  results.serve();
  assertEquals((await later).value, [6]);
  reader.isOver = true;
  assertEquals(await batches.next(), { done: true, value: undefined });
});

Deno.test("MapIterator.batches() doesn't copy large arrays", async () => {
  const large = Array.from({ length: 1_000 }, (_, index) => index);
  const { results } = makeIterator(large, [1]);
  assertStrictEquals((await results.batches().next()).value, large);
});

Deno.test("MapIterator.batches() throws an error after the results before it", async () => {
  const { results } = makeIterator([1], [2], new Error("no"));
  const batches = results.batches();
  assertEquals((await batches.next()).value, [1, 2]);
  await assertRejects(() => batches.next(), Error, "no");
});

Deno.test("MapIterator.batches() ends the map when its loop is left", async () => {
  const { reader, results } = makeIterator([1], [2]);
  for await (const batch of results.batches()) {
    assertEquals(batch, [1, 2]);
    break;
  }
  assert(reader.isOver);
  assertEquals((await results.next()).done, true);
});

Deno.test("MapIterator.batches() ends while it waits", async () => {
  const { results } = makeIterator();
  const batches = results.batches();
  const next = batches.next();
  await batches.return!();
  assertEquals((await next).done, true);
});

Deno.test("MapIterator.forEach() passes each result with its position", async () => {
  const { reader, results } = makeIterator([1, 2, 3], [4]);
  assertEquals((await results.next()).value, 1);
  const seen: number[][] = [];
  const end = results.forEach((...args) => seen.push(args));
  reader.batches.push([5]);
  results.serve();
  await Promise.resolve();
  reader.isOver = true;
  results.serve();
  await end;
  assertEquals(seen, [[2, 0], [3, 1], [4, 2], [5, 3]]);
});

Deno.test("MapIterator.forEach() waits for promises of its function", async () => {
  const { reader, results } = makeIterator([1, 2]);
  const gates = [1, 2].map(() => Promise.withResolvers<void>());
  const seen: number[] = [];
  const end = results.forEach((result, index) => {
    seen.push(result);
    return gates[index]!.promise;
  });
  assertEquals(seen, [1]);
  reader.isOver = true;
  for (const { resolve } of gates) resolve();
  await end;
  assertEquals(seen, [1, 2]);
});

Deno.test("MapIterator.forEach() throws what its function throws, even if the map can't be closed", async () => {
  const { reader, results } = makeIterator([1]);
  reader.close = () => Promise.reject(new Error("stuck"));
  const failing = () => {
    throw new Error("enough");
  };
  await assertRejects(() => results.forEach(failing), Error, "enough");
});

Deno.test("MapIterator.forEach() ends the map when its function throws or ends it", async () => {
  const { reader, results } = makeIterator([1, 2], [3]);
  const seen: number[] = [];
  await assertRejects(
    () =>
      results.forEach((result) => {
        seen.push(result);
        throw new Error("enough");
      }),
    Error,
    "enough",
  );
  assertEquals(seen, [1]);
  assert(reader.isOver);
  const other = makeIterator([1, 2, 3]);
  await other.results.forEach((result) => {
    seen.push(result);
    other.results.return();
  });
  assertEquals(seen, [1, 1]);
  await assertRejects(
    () => results.forEach(5 as unknown as () => void),
    TypeError,
    "'callback' must be a function",
  );
});
