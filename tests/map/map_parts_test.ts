import { assert, assertEquals, assertRejects } from "@std/assert";
import { CallerTrace } from "../../src/calls/caller_trace.ts";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { type AnyIterable, Items } from "../../src/map/items.ts";
import type { MapResults } from "../../src/map/map_results.ts";
import { prepareMap } from "../../src/map/map_run.ts";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import { Pool } from "../../mod.ts";
import {
  type FakeWorker,
  HostBench,
  settled,
  TASK,
} from "../helpers/fake_worker.ts";
import { Random } from "../helpers/random.ts";

/** How long a chunk takes, in microseconds, so its order may matter. */
const LONG = 1_000;

const MEBIBYTE = 2 ** 20;

/** The options of a map in a test. */
interface Options {
  readonly chunkSize?: number | "auto";
  readonly ordered?: boolean;
  readonly retries?: number;
  readonly spread?: boolean;
  readonly signal?: AbortSignal;
}

/** Maps items on the workers of a bench. */
function start(
  bench: HostBench,
  iterables: readonly AnyIterable<unknown>[],
  { chunkSize = 2, ordered = true, retries = 0, spread, signal }: Options = {},
): MapResults<unknown> {
  return prepareMap<unknown>({
    task: TASK,
    items: new Items(iterables),
    spread: spread ?? iterables.length > 1,
    chunkSize: new ChunkSize(chunkSize),
    ordered,
    timeout: undefined,
    trace: new CallerTrace(start),
    signal,
    terms: { retries },
  }, bench.scheduler);
}

/** Collects the results of a map, which may fail before they are awaited. */
function collect(results: MapResults<unknown>): Promise<unknown[]> {
  const all = results.toArray();
  all.catch(() => {});
  return all;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, x) => x);
}

/** A bench whose workers each have one call at a time. */
async function makeBench(workers = 2): Promise<HostBench> {
  return await HostBench.with(...new Array<string>(workers).fill("a"));
}

/** The chunk that a worker has; `undefined`: none. */
function chunkOf(worker: FakeWorker): number[] | undefined {
  return worker.labels[0] as number[] | undefined;
}

/** Answers the chunk of a worker, and returns it. */
async function answer(worker: FakeWorker, count?: number): Promise<number[]> {
  const chunk = chunkOf(worker)!;
  await worker.answerChunk(LONG, count);
  await settled();
  return chunk;
}

/** Answers chunks of a worker while it has any, and returns them. */
async function answerUpTo(
  worker: FakeWorker,
  most = Infinity,
): Promise<number[][]> {
  const chunks: number[][] = [];
  while (chunkOf(worker) !== undefined && chunks.length < most) {
    chunks.push(await answer(worker));
  }
  return chunks;
}

const FROM_ENDS = "from both ends of each half";
const IN_ORDER = "in order";

/** The chunks of 100 items that begin first. */
const FIRST: Record<string, number[][]> = {
  [FROM_ENDS]: [[0, 1], [4, 5], [50, 51], [52, 53], [98, 99], [6, 7]],
  [IN_ORDER]: [[0, 1], [4, 5], [6, 7], [8, 9], [10, 11], [12, 13]],
};

/** Readers of a map, and in which order the map begins its items. */
const READERS: [
  name: string,
  ordered: boolean,
  read: (results: MapResults<unknown>) => Promise<unknown>,
  order: string,
][] = [
  ["toArray()", true, (results) => results.toArray(), FROM_ENDS],
  ["next()", true, (results) => results.next(), IN_ORDER],
  ["toArray() after next()", true, (results) => {
    results.next();
    return results.toArray();
  }, IN_ORDER],
  ["toArray() of a map that isn't ordered", false, (results) => {
    return results.toArray();
  }, FROM_ENDS],
  ["next() of a map that isn't ordered", false, (results) => {
    return results.next();
  }, FROM_ENDS],
];

for (const [name, ordered, read, order] of READERS) {
  Deno.test(`MapRun begins items ${order} for ${name}`, async () => {
    await using bench = await makeBench();
    const results = start(bench, [numbers(100)], { ordered });
    const reading = read(results);
    await settled();
    // The other worker keeps its first chunk.
    assertEquals(chunkOf(bench.worker(1)), [2, 3]);
    assertEquals(await answerUpTo(bench.worker(0), 6), FIRST[order]);
    await results.return!();
    await reading;
  });
}

for (
  const [name, items] of Object.entries({
    "few items": numbers(40),
    "items that aren't an array": new Set(numbers(100)),
  })
) {
  Deno.test(`MapRun begins ${name} in order for toArray()`, async () => {
    await using bench = await makeBench();
    const results = collect(start(bench, [items]));
    await settled();
    const chunks = await answerUpTo(bench.worker(0));
    assertEquals(chunks.flat(), [...items].filter((x) => x !== 2 && x !== 3));
    await answer(bench.worker(1));
    assertEquals(await results, [...items]);
  });
}

Deno.test("MapRun begins items in order for a single worker", async () => {
  await using bench = await makeBench(1);
  const results = collect(start(bench, [numbers(100)]));
  await settled();
  const chunks = await answerUpTo(bench.worker(0));
  assertEquals(chunks.flat(), numbers(100));
  await results;
});

Deno.test("MapRun begins items in order while chunks are short", async () => {
  await using bench = await makeBench();
  const results = start(bench, [numbers(100)]);
  const all = collect(results);
  await settled();
  const begun: unknown[] = [];
  for (let answered = 0; answered < 6; answered++) {
    begun.push(chunkOf(bench.worker(0)));
    await bench.worker(0).answerChunk(1);
    await settled();
  }
  assertEquals(begun, FIRST[IN_ORDER]);
  await results.return!();
  await all;
});

/** Answers chunks of random workers, some only in part, until none has any. */
async function answerAll(bench: HostBench, workers: number, random: Random) {
  for (;;) {
    const busy = numbers(workers).map((index) => bench.worker(index))
      .filter((worker) => chunkOf(worker) !== undefined);
    if (busy.length === 0) return;
    const worker = busy[random.below(busy.length)]!;
    const { length } = chunkOf(worker)!;
    const isPart = random.below(8) === 0;
    await answer(worker, isPart ? 1 + random.below(length) : length);
  }
}

for (const chunkSize of [2, 3, 7, "auto"] as const) {
  Deno.test(`MapRun restores the order of items in parts, chunkSize: ${chunkSize}`, async () => {
    for (let seed = 0; seed < 4; seed++) {
      const random = new Random(seed);
      const workers = 2 + random.below(3);
      await using bench = await makeBench(workers);
      const size = chunkSize === "auto" ? 1 : chunkSize;
      const items = numbers(17 * size * workers + random.below(20));
      const iterables = seed % 2 === 0 ? [items] : [items, items];
      const results = collect(start(bench, iterables, { chunkSize }));
      await settled();
      await answerAll(bench, workers, random);
      const expected = seed % 2 === 0 ? items : items.map((x) => [x, x]);
      assertEquals(await results, expected);
    }
  });
}

Deno.test("MapRun takes items that are added to an array in parts", async () => {
  await using bench = await makeBench();
  const array = numbers(100);
  const results = collect(start(bench, [array]));
  await settled();
  await answerUpTo(bench.worker(0), 10);
  array.push(100, 101, 102);
  await answerAll(bench, 2, new Random(0));
  assertEquals(await results, numbers(103));
});

Deno.test("MapRun begins nothing after an item that failed", async () => {
  await using bench = await makeBench();
  const results = collect(start(bench, [numbers(100)]));
  let isSettled = false;
  results.catch(() => isSettled = true);
  await settled();
  await answerUpTo(bench.worker(0), 3);
  assertEquals(chunkOf(bench.worker(0)), [52, 53]);
  await bench.worker(0).fail();
  await settled();
  const begun = (await answerUpTo(bench.worker(0))).flat();
  assert(begun.every((x) => x < 52), `${begun}`);
  assertEquals(isSettled, false);
  await answer(bench.worker(1));
  await assertRejects(() => results, TypeError, "failed");
});

Deno.test("MapRun throws the error of the first item in order that failed", async () => {
  await using bench = await makeBench();
  const results = collect(start(bench, [numbers(100)]));
  await settled();
  await answerUpTo(bench.worker(0), 4);
  assertEquals(chunkOf(bench.worker(0)), [98, 99]);
  await bench.worker(0).fail();
  await answerUpTo(bench.worker(0), 10);
  assert(chunkOf(bench.worker(0)) !== undefined);
  await bench.worker(1).fail();
  await assertRejects(() => results, TypeError, "failed");
  await answerUpTo(bench.worker(0));
  await bench.scheduler.idle();
});

Deno.test("MapRun throws the error of an unusable item after all items before it have run", async () => {
  await using bench = await makeBench();
  const items: unknown[] = numbers(100).map((x) => [x]);
  items[98] = "unusable";
  const results = collect(start(bench, [items], { spread: true }));
  await settled();
  const begun = (await answerUpTo(bench.worker(0))).flat();
  // The chunk of the item isn't sent.
  assertEquals(begun.length, 96);
  await answer(bench.worker(1));
  await assertRejects(() => results, TypeError, "must be an array");
});

Deno.test("MapRun throws the error of an array after all items before it have run", async () => {
  await using bench = await makeBench();
  const items = numbers(100);
  Object.defineProperty(items, 51, {
    get() {
      throw new RangeError("no element");
    },
  });
  const results = collect(start(bench, [items]));
  await settled();
  const begun = (await answerUpTo(bench.worker(0))).flat();
  assertEquals(
    begun.toSorted((a, b) => a - b),
    numbers(51).filter((x) => x !== 2 && x !== 3),
  );
  await answer(bench.worker(1));
  await assertRejects(() => results, RangeError, "no element");
});

Deno.test("MapRun stops the items of all parts when its signal is aborted", async () => {
  await using bench = await makeBench();
  const controller = new AbortController();
  const { signal } = controller;
  const results = collect(start(bench, [numbers(100)], { signal }));
  await settled();
  await answerUpTo(bench.worker(0), 10);
  controller.abort(new RangeError("enough"));
  await assertRejects(() => results, RangeError, "enough");
  const unanswered = await answerUpTo(bench.worker(0));
  assertEquals(unanswered.length, 1);
  await answer(bench.worker(1));
  await bench.scheduler.idle();
});

Deno.test("MapRun waits for the submitted items of all parts when the scheduler is closed", async () => {
  await using bench = await makeBench();
  const results = collect(start(bench, [numbers(100)]));
  await settled();
  await answerUpTo(bench.worker(0), 10);
  bench.scheduler.close(() => new RangeError("closed"));
  assertEquals((await answerUpTo(bench.worker(0))).length, 1);
  await answer(bench.worker(1));
  await assertRejects(() => results, RangeError, "closed");
});

Deno.test("MapRun runs items of all parts again whose worker was lost", async () => {
  await using bench = await makeBench(3);
  const results = collect(start(bench, [numbers(120)], { retries: 1 }));
  await settled();
  await answerUpTo(bench.worker(0), 3);
  assertEquals(chunkOf(bench.worker(0)), [62, 63]);
  await bench.worker(0).hangUp();
  // The items of the lost chunk run one by one.
  const workers = [bench.worker(1), bench.worker(2)];
  for (let isBusy = true; isBusy;) {
    isBusy = false;
    for (const worker of workers) {
      if (worker.labels.length === 0) continue;
      isBusy = true;
      if (Array.isArray(worker.labels[0])) await worker.answerChunk(LONG);
      else await worker.answer(LONG);
      await settled();
    }
  }
  assertEquals(await results, numbers(120));
});

Deno.test("MapRun fails at items whose worker was lost, after those before", async () => {
  await using bench = await makeBench();
  const results = collect(start(bench, [numbers(100)]));
  await settled();
  await answerUpTo(bench.worker(0), 3);
  await bench.worker(0).hangUp();
  const begun = (await answerUpTo(bench.worker(1))).flat();
  assertEquals(Math.max(...begun), 49);
  await assertRejects(() => results, WorkerLostError);
});

Deno.test("MapRun takes the first items first while many results wait", async () => {
  await using bench = await makeBench();
  const large = new Array(100).fill(new Uint8Array(2 * MEBIBYTE));
  const results = start(bench, [numbers(100), large]);
  const all = collect(results);
  await settled();
  const begun = (await answerUpTo(bench.worker(0), 20)).flat();
  const last = begun.slice(-12).map((item) => (item as unknown as number[])[0]);
  const [first] = last;
  assertEquals(last, numbers(12).map((x) => first! + x));
  await results.return!();
  await all;
});

Deno.test("Pool.map() collects values that some items yield one by one", async () => {
  await using pool = new Pool(2);
  const task = (x: number) => {
    const end = performance.now() + 0.1;
    while (performance.now() < end);
    return x % 50 === 49 ? new Array<number>(5_000).fill(x).values() : x;
  };
  const results = pool.map(task as (x: number) => number, numbers(200));
  const values = await results.toArray();
  const expected = numbers(200).flatMap((x) =>
    x % 50 === 49 ? new Array<number>(5_000).fill(x) : [x]
  );
  assertEquals(values, expected);
});
