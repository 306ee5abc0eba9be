import { bind, Pool } from "../mod.ts";
import {
  type Effort,
  percentile,
  type Row,
  row,
  Samples,
  scaled,
  type Section,
} from "./measure.ts";

/** The size of a large value. */
const LARGE_BYTES = 100_000_000;

/** Large values in a repetition. */
const COUNT = 10;

/** Small calls in a repetition without large values. */
const CALLS_ALONE = 5_000;

/** How many calls the only worker runs at once. */
const CONCURRENCY = 8;

const KINDS = [
  "alone",
  "in",
  "out",
  "same-alone",
  "same-in",
  "same-out",
] as const;
const FIGURES = { p50: 0.5, p99: 0.99, max: 1 };

/** Measures how long small calls take while large values are sent. */
export const stall: Section = {
  title: "Small calls beside values of 100 MB, 2 workers or the same one",
  names: KINDS.flatMap((kind) =>
    Object.keys(FIGURES).map((figure) => `stall/${kind}/${figure}`)
  ),
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using two = new Pool(2);
  await using one = new Pool({ workers: 1, concurrency: CONCURRENCY });
  await Promise.all([two.ready, one.ready]);
  const value = new Uint8Array(LARGE_BYTES).fill(7);
  // A bound argument is sent once; the worker returns it each time.
  const give = bind((bytes: Uint8Array) => bytes, value);
  const alone = (pool: Pool) => smallCalls(pool, scaled(CALLS_ALONE, effort));
  const into = (pool: Pool) =>
    beside(pool, effort, () => pool.run((bytes) => bytes.length, value));
  const out = (pool: Pool) => beside(pool, effort, () => pool.run(give));
  const work = {
    alone: () => alone(two),
    in: () => into(two),
    out: () => out(two),
    "same-alone": () => alone(one),
    "same-in": () => into(one),
    "same-out": () => out(one),
  };
  const kinds = KINDS.filter((kind) =>
    Object.keys(FIGURES).some((figure) => wanted.has(`stall/${kind}/${figure}`))
  );
  const values = new Samples();
  for (let turn = 0; turn <= effort.repetitions; turn++) {
    for (const kind of kinds) {
      const times = await work[kind]();
      // The first turn is a warm-up.
      if (turn === 0) continue;
      for (const [figure, p] of Object.entries(FIGURES)) {
        values.add(`stall/${kind}/${figure}`, percentile(times, p));
      }
    }
  }
  return stall.names.filter((name) => wanted.has(name))
    .map((name) => row(name, "ms", values.of(name)));
}

/** Makes small calls, one after the other, and returns their sorted times. */
async function smallCalls(
  pool: Pool,
  count: number,
  ended: () => boolean = () => false,
): Promise<number[]> {
  const times: number[] = [];
  while (times.length < count && !ended()) {
    const start = performance.now();
    await pool.run((x) => x + 1, times.length);
    times.push(performance.now() - start);
  }
  return times.toSorted((a, b) => a - b);
}

/** Makes small calls while large ones are made. */
async function beside(
  pool: Pool,
  effort: Effort,
  large: () => Promise<unknown>,
): Promise<number[]> {
  let ended = false;
  const times = smallCalls(pool, Infinity, () => ended);
  for (let count = scaled(COUNT, effort); count > 0; count--) await large();
  ended = true;
  return await times;
}
