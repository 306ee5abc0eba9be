import { Pool } from "../mod.ts";
import { BareWorker, MessageExchange } from "./limits.ts";
import {
  type Candidate,
  compare,
  type Effort,
  inLoops,
  type Row,
  scaled,
  seconds,
  type Section,
} from "./measure.ts";

/** The number of frames, with one call each, in flight to each bare worker. */
export const WINDOW = 1_024;

/** The number of calls of `run` before any of them is awaited. */
const BATCH = 10_000;

/** A larger number: how much slower is each call then? */
const LARGE_BATCH = 100_000;

/** The number of loops that each await one call of `run` after the other. */
const LOOPS = 256;

const CHUNK_SIZES = [64, 1_000, "auto"] as const;

const AT_ONCE = [`at-once/${BATCH}`, `at-once/${LARGE_BATCH}`] as const;

/** Measures tasks and items per second, with two workers. */
export const throughput: Section = {
  title: "Throughput, 2 workers",
  names: [
    "limit",
    "single/map",
    "single/run-all",
    "single/run-loops",
    ...CHUNK_SIZES.flatMap((size) => [
      `chunk-${size}/for-await`,
      `chunk-${size}/to-array`,
      `chunk-${size}/batches`,
      `chunk-${size}/for-each`,
    ]),
    ...AT_ONCE,
  ],
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using first = await BareWorker.start("frames");
  await using second = await BareWorker.start("frames");
  using exchange = new MessageExchange([first.connection, second.connection]);
  await using pool = new Pool(2);
  await pool.ready;
  return [
    ...await compareWithLimit(exchange, pool, wanted, effort),
    ...await compareBatches(pool, wanted, effort),
  ];
}

async function compareWithLimit(
  exchange: MessageExchange,
  pool: Pool,
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const candidates = [
    ...singleTasks(pool, effort),
    ...CHUNK_SIZES.flatMap((size) => chunkedMaps(pool, size, effort)),
  ];
  const chosen = candidates.filter(({ name }) => wanted.has(name));
  if (chosen.length === 0 && !wanted.has("limit")) return [];
  return await compare(
    [{
      name: "limit",
      measure: () => exchange.rate(scaled(300_000, effort), WINDOW),
    }],
    chosen,
    "/s",
    effort,
  );
}

/** Compares calls in large batches with calls in small ones. */
async function compareBatches(
  pool: Pool,
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  if (!AT_ONCE.some((name) => wanted.has(name))) return [];
  const [small, large] = AT_ONCE;
  return await compare(
    [runAll(small, pool, effort)],
    [runAll(large, pool, effort, LARGE_BATCH)],
    "/s",
    effort,
  );
}

function singleTasks(pool: Pool, effort: Effort): Candidate[] {
  const looped = scaled(50_000, effort);
  return [
    singleMap("single/map", pool, effort),
    runAll("single/run-all", pool, effort),
    rate(
      "single/run-loops",
      looped,
      () => inLoops(LOOPS, looped, (x) => pool.run(increment, x)),
    ),
  ];
}

/** Runs tasks by `map`, each in a call of its own. */
export function singleMap(
  name: string,
  pool: Pool,
  effort: Effort,
): Candidate {
  const items = integers(scaled(200_000, effort));
  return rate(name, items.length, async () => {
    const results = pool.map(increment, items, { chunkSize: 1 });
    checkCount(await countByLoop(results), items.length);
  });
}

/** Runs many calls of `run` at once. */
export function runAll(
  name: string,
  pool: Pool,
  effort: Effort,
  length = BATCH,
): Candidate {
  const batches = scaled(5, effort);
  return rate(name, batches * length, async () => {
    for (let batch = 0; batch < batches; batch++) {
      await Promise.all(
        Array.from({ length }, (_, x) => pool.run(increment, x)),
      );
    }
  });
}

function chunkedMaps(
  pool: Pool,
  chunkSize: number | "auto",
  effort: Effort,
): Candidate[] {
  const items = integers(scaled(2_000_000, effort));
  return [
    rate(`chunk-${chunkSize}/for-await`, items.length, async () => {
      const results = pool.map(increment, items, { chunkSize });
      checkCount(await countByLoop(results), items.length);
    }),
    rate(`chunk-${chunkSize}/to-array`, items.length, async () => {
      const results = pool.map(increment, items, { chunkSize });
      checkCount((await results.toArray()).length, items.length);
    }),
    rate(`chunk-${chunkSize}/batches`, items.length, async () => {
      const results = pool.map(increment, items, { chunkSize });
      let count = 0;
      for await (const batch of results.batches()) {
        for (let index = 0; index < batch.length; index++) count++;
      }
      checkCount(count, items.length);
    }),
    rate(`chunk-${chunkSize}/for-each`, items.length, async () => {
      const results = pool.map(increment, items, { chunkSize });
      let count = 0;
      await results.forEach(() => count++);
      checkCount(count, items.length);
    }),
  ];
}

/** Makes a candidate whose figure is how many of `count` it does per second. */
export function rate(
  name: string,
  count: number,
  work: () => Promise<void>,
): Candidate {
  return { name, measure: async () => count / await seconds(work) };
}

/** The task: adds 1. */
export function increment(x: number): number {
  return x + 1;
}

/** An array, because it costs less to iterate than a generator. */
export function integers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Counts results by `for await`. */
export async function countByLoop(
  results: AsyncIterable<unknown>,
): Promise<number> {
  let count = 0;
  for await (const _ of results) count++;
  return count;
}

/** @throws {Error} If a count is wrong. */
export function checkCount(count: number, expected: number): void {
  if (count === expected) return;
  throw new Error(`There were ${count} results instead of ${expected}`);
}
