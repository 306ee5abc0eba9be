import { assertEquals, assertLessOrEqual } from "@std/assert";
import { CallerTrace } from "../../src/calls/caller_trace.ts";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { type AnyIterable, Items } from "../../src/map/items.ts";
import { startMap } from "../../src/map/map_run.ts";
import {
  type FakeWorker,
  HostBench,
  settled,
  TASK,
} from "../helpers/fake_worker.ts";

const MEBIBYTE = 2 ** 20;

/** Maps these items at the workers of a bench, to a list of results. */
function map(
  bench: HostBench,
  items: AnyIterable<unknown>,
  chunkSize: number | "auto" = "auto",
): Promise<unknown[]> {
  const plan = {
    task: TASK,
    items: new Items([items]),
    spread: false,
    chunkSize: new ChunkSize(chunkSize),
    ordered: true,
    timeout: undefined,
    trace: new CallerTrace(map),
    signal: undefined,
    terms: { retries: 0 },
  };
  const results = startMap<unknown>(plan, bench.scheduler).toArray();
  // A test that fails ends the workers before.
  results.catch(() => {});
  return results;
}

/** A source of so many items, which tells how many were taken. */
class Source {
  taken = 0;
  readonly #items: () => Generator<unknown>;

  constructor(count: number, make: () => unknown) {
    // deno-lint-ignore no-this-alias
    const source = this;
    this.#items = function* () {
      for (; source.taken < count;) {
        source.taken++;
        yield make();
      }
    };
  }

  sync(): Iterable<unknown> {
    return this.#items();
  }

  async *async(): AsyncIterable<unknown> {
    yield* this.#items();
  }
}

/** How many items each call has that a worker was sent. */
function chunks(worker: FakeWorker): number[] {
  return worker.labels.map((items) => (items as unknown[]).length);
}

/** Answers all that a worker gets; returns how many items each call had. */
async function answerAll(worker: FakeWorker): Promise<number[]> {
  const sizes: number[] = [];
  for (; worker.labels.length > 0; await settled()) {
    sizes.push(chunks(worker)[0]!);
    await worker.answerChunk();
  }
  return sizes;
}

const KINDS = ["sync", "async"] as const;

for (const kind of KINDS) {
  Deno.test(`MapRun gives each worker one of the ${kind} items that are large`, async () => {
    await using bench = new HostBench();
    const workers = [await bench.add("a", 100), await bench.add("a", 100)];
    const source = new Source(5, () => new Uint8Array(5 * MEBIBYTE));
    const results = map(bench, source[kind]());
    await settled();
    assertEquals([workers.map(chunks), source.taken], [[[1], [1]], 2]);
    for (let answered = 1; answered <= 5; answered++) {
      await workers[answered % 2]!.answerChunk();
      await settled();
      assertEquals(source.taken, Math.min(5, 2 + answered));
    }
    assertEquals((await results).length, 5);
  });

  Deno.test(`MapRun takes few ${kind} items at first if there is something large in them`, async () => {
    await using bench = new HostBench();
    const worker = await bench.add("a", 4_096);
    const source = new Source(20, () => ({ bytes: new Uint8Array(MEBIBYTE) }));
    const results = map(bench, source[kind]());
    await settled();
    assertEquals(source.taken, 4);
    assertEquals(new Set(await answerAll(worker)), new Set([1]));
    assertEquals((await results).length, 20);
  });

  Deno.test(`MapRun learns how large ${kind} items are`, async () => {
    await using bench = new HostBench();
    const worker = await bench.add("a", 6);
    // Nothing is seen of their size; with the result each has 200 KiB.
    const make = () => new Map([["bytes", new Uint8Array(100 * 1_024)]]);
    const source = new Source(200, make);
    const results = map(bench, source[kind]());
    await settled();
    let answered = 0;
    for (; worker.labels.length > 0; await settled()) {
      const [first] = chunks(worker);
      assertLessOrEqual(first!, 5);
      await worker.answerChunk();
      answered += first!;
      // 4 MiB, and at the most one chunk beyond.
      if (answered > 20) assertLessOrEqual(source.taken - answered, 25);
    }
    assertEquals((await results).length, 200);
  });
}

Deno.test("MapRun makes large chunks of small items", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 2);
  const source = new Source(5_000, () => ({ name: "small", bytes: [1, 2, 3] }));
  const results = map(bench, source.sync());
  await settled();
  const sizes = await answerAll(worker);
  assertEquals(Math.max(...sizes), 1_000);
  assertEquals((await results).length, 5_000);
});

Deno.test("MapRun takes no more at once of large items in chunks of a fixed size", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 100);
  const source = new Source(100, () => ({ bytes: new Uint8Array(MEBIBYTE) }));
  const results = map(bench, source.sync(), 2);
  await settled();
  assertEquals([source.taken, chunks(worker)], [4, [2, 2]]);
  await worker.answerChunk();
  await settled();
  assertLessOrEqual(source.taken, 6);
  await answerAll(worker);
  assertEquals((await results).length, 100);
});
