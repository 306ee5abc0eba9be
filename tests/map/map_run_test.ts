import {
  assertEquals,
  assertFalse,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import type { Call } from "../../src/calls/call.ts";
import { CallerTrace } from "../../src/calls/caller_trace.ts";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { type AnyIterable, Items } from "../../src/map/items.ts";
import type { MapResults } from "../../src/map/map_results.ts";
import { UnreadMaps } from "../../src/map/unread_maps.ts";
import { prepareMap } from "../../src/map/map_run.ts";
import {
  type RetryOptions,
  retrySettings,
} from "../../src/options/retry_options.ts";
import {
  type FakeWorker,
  HostBench,
  settled,
  TASK,
} from "../helpers/fake_worker.ts";
import { until } from "../helpers/processes.ts";

const MEBIBYTE = 2 ** 20;

/** Maps items on the workers of a bench. */
function start(
  bench: HostBench,
  items: AnyIterable<unknown>,
  chunkSize: number | "auto" = "auto",
  ordered = true,
  retry?: RetryOptions,
): MapResults<unknown> {
  const plan = {
    task: TASK,
    items: new Items([items]),
    spread: false,
    chunkSize: new ChunkSize(chunkSize),
    ordered,
    timeout: undefined,
    trace: new CallerTrace(start),
    signal: undefined,
    terms: retry === undefined
      ? { retries: 0 }
      : { retries: 0, retry: retrySettings(retry) },
  };
  return prepareMap<unknown>(plan, bench.scheduler, new UnreadMaps());
}

/** Maps items like {@linkcode start}, and collects the results. */
function map(...args: Parameters<typeof start>): Promise<unknown[]> {
  const results = start(...args).toArray();
  // If the test fails, its workers end before the results are awaited.
  results.catch(() => {});
  return results;
}

/** A source that counts the items taken from it. */
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

/** Returns the numbers of items in a worker's unanswered calls. */
function chunks(worker: FakeWorker): number[] {
  return worker.labels.map((items) => (items as unknown[]).length);
}

/** Answers all calls of a worker, and returns their numbers of items. */
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
  Deno.test(`MapRun gives each worker one large ${kind} item`, async () => {
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

  Deno.test(`MapRun takes few ${kind} items at first if they contain large values`, async () => {
    await using bench = new HostBench();
    const worker = await bench.add("a", 4_096);
    const source = new Source(20, () => ({ bytes: new Uint8Array(MEBIBYTE) }));
    const results = map(bench, source[kind]());
    await settled();
    assertLessOrEqual(source.taken, 4);
    assertEquals(new Set(await answerAll(worker)), new Set([1]));
    assertEquals((await results).length, 20);
  });

  Deno.test(`MapRun learns the size of ${kind} items`, async () => {
    await using bench = new HostBench();
    const worker = await bench.add("a", 6);
    // roughSize() doesn't count maps. An item and its result have 200 KiB.
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
      // 4 MiB, and at most one more chunk.
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

Deno.test("MapRun takes few large items at first in chunks of a fixed size", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 100);
  const source = new Source(100, () => ({ bytes: new Uint8Array(MEBIBYTE) }));
  const results = map(bench, source.sync(), 2);
  await settled();
  assertEquals(new Set(chunks(worker)), new Set([2]));
  assertLessOrEqual(source.taken, 4);
  await worker.answerChunk();
  await settled();
  assertLessOrEqual(source.taken, 6);
  await answerAll(worker);
  assertEquals((await results).length, 100);
});

Deno.test("MapRun sends few calls before it knows the size of results", async () => {
  await using bench = new HostBench();
  // Like the window of a worker that ran tiny tasks before.
  const worker = await bench.add("a", 4_096);
  const source = new Source(4_096, () => 0);
  const results = map(bench, source.sync());
  const inFlight: number[] = [];
  await settled();
  for (let answered = 0; answered < 7; answered++) {
    inFlight.push(worker.labels.length);
    await worker.answerChunk();
    await settled();
  }
  assertEquals(inFlight, [1, 2, 3, 4, 5, 6, 7]);
  await answerAll(worker);
  assertEquals((await results).length, 4_096);
});

Deno.test("MapRun releases the items of calls that have returned", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 1);
  const calls: Call[] = [];
  const { submit } = bench.scheduler;
  bench.scheduler.submit = (call) => {
    calls.push(call);
    submit.call(bench.scheduler, call);
  };
  const results = start(bench, [new Uint8Array(MEBIBYTE)]);
  const first = results.next();
  await settled();
  await worker.answerChunk();
  await first;
  assertEquals(calls.map(({ payload }) => payload), [[]]);
  await results.return!();
});

/** The items of a small map. */
const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

for (const ordered of [true, false]) {
  Deno.test(`MapRun submits items again that a worker left unprocessed, ordered: ${ordered}`, async () => {
    await using bench = new HostBench();
    const workers = [await bench.add("a", 9), await bench.add("a", 9)];
    const results = map(bench, NUMBERS, 5, ordered);
    await settled();
    // Each worker answers only two items of each chunk.
    let answered = 0;
    while (answered < NUMBERS.length) {
      for (const worker of workers.toReversed()) {
        if (worker.labels.length === 0) continue;
        answered += Math.min(2, chunks(worker)[0]!);
        await worker.answerChunk(1, 2);
      }
      await settled();
    }
    const values = await results;
    assertEquals(ordered ? values : values.toSorted(), NUMBERS);
  });
}

/** The items of a larger map. */
const MANY_NUMBERS = Array.from({ length: 400 }, (_, x) => x);

Deno.test("MapRun works on while its reader waits for a long item", async () => {
  await using bench = new HostBench();
  const workers = [await bench.add("a"), await bench.add("a")] as const;
  const results = map(bench, new Set(MANY_NUMBERS), 2);
  await settled();
  const [long, short] = workers;
  assertEquals((await answerAll(short)).length, 199);
  await long.answerChunk();
  assertEquals(await results, MANY_NUMBERS);
});

Deno.test("MapRun waits for a reader that is busy, and works on when it waits", async () => {
  await using bench = new HostBench();
  const workers = [await bench.add("a"), await bench.add("a")] as const;
  const results = start(bench, MANY_NUMBERS, 2);
  const first = results.next();
  await settled();
  const [short, long] = workers;
  await short.answerChunk();
  await first;
  await settled();
  const ahead = (await answerAll(short)).length;
  assertLessOrEqual(ahead, 40);
  assertEquals(await results.next(), { done: false, value: 1 });
  const next = results.next();
  await settled();
  assertEquals(ahead + (await answerAll(short)).length, 198);
  await long.answerChunk();
  assertEquals(await next, { done: false, value: 2 });
  await results.return!();
});

Deno.test("MapRun holds back unprocessed items while large results wait", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 9);
  const large = () => new Uint8Array(4 * MEBIBYTE);
  const results = start(bench, Array.from({ length: 40 }, large), 20);
  const first = results.next();
  await settled();
  await worker.answerChunk(1, 9);
  await first;
  await settled();
  // While 36 MiB wait for the reader, at most one call is in flight.
  assertLessOrEqual(worker.labels.length, 1);
  const rest = results.toArray();
  await answerAll(worker);
  assertEquals((await rest).length, 39);
});

Deno.test("MapRun drops unprocessed items when the map is closed", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 1);
  const results = start(bench, NUMBERS, 5);
  const first = results.next();
  await settled();
  await worker.answerChunk(1, 2);
  assertEquals(await first, { done: false, value: 0 });
  await results.return!();
  await answerAll(worker);
  await bench.scheduler.idle();
});

Deno.test("MapRun submits unprocessed items although the scheduler is closed", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 9);
  // The chunk size exceeds the input, so the map has reached the end.
  const results = map(bench, NUMBERS, 20);
  await settled();
  bench.scheduler.close(() => new Error("closed"));
  let isIdle = false;
  const idle = bench.scheduler.idle().then(() => isIdle = true);
  for (let answered = 0; answered < NUMBERS.length; answered += 3) {
    assertFalse(isIdle);
    await worker.answerChunk(1, 3);
    await settled();
  }
  assertEquals(await results, NUMBERS);
  await idle;
});

Deno.test("MapRun yields items that run again before unprocessed ones, although the scheduler is closed", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 9);
  const results = start(bench, NUMBERS, 20, true, { minTimeout: 1 });
  const first = results.next();
  await settled();
  bench.scheduler.close(() => new Error("closed"));
  await worker.failItem(0);
  await worker.answerChunk(1, 3);
  const all = results.toArray();
  for (let answered = 0; answered < 8;) {
    await until(() => worker.labels.length > 0);
    const isChunk = Array.isArray(worker.labels[0]);
    answered += isChunk ? chunks(worker)[0]! : 1;
    await (isChunk ? worker.answerChunk() : worker.answer());
  }
  assertEquals(await first, { done: false, value: 0 });
  assertEquals(await all, NUMBERS.slice(1));
});

Deno.test("MapRun fails at unprocessed items when queued calls are cancelled", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 9);
  const results = start(bench, NUMBERS, 10);
  const first = results.next();
  await settled();
  bench.scheduler.close(() => new Error("closed"));
  bench.scheduler.cancelQueued(() => new RangeError("cancelled"));
  await worker.answerChunk(1, 1);
  assertEquals(await first, { done: false, value: 0 });
  await assertRejects(() => results.next(), RangeError, "cancelled");
});
