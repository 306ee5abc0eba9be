import { bind, Pool } from "../mod.ts";
import { Random } from "../tests/helpers/random.ts";
import {
  type Effort,
  percentile,
  type Row,
  row,
  seconds,
  type Section,
  type Spread,
  spread,
} from "./measure.ts";
import { idealSeconds, shuffled } from "./sharing.ts";
import { wait } from "./wait.ts";

const WORKERS = 4;

/** How often each measurement is repeated at most. */
const REPETITIONS = 3;

/** How long consumers compete, in milliseconds. */
const PERIOD = 1_500;

/** Makes the figures of one row or more, always in the same order. */
type Measure = (pool: Pool, scale: number) => Promise<Figure[]>;

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** The best possible value, if it is known. */
  readonly ideal?: number;
}

const MEASURES: readonly [names: readonly string[], measure: Measure][] = [
  [["unequal/map"], (pool, scale) => unequal("unequal/map", pool, scale)],
  [["unequal/run"], (pool, scale) => unequal("unequal/run", pool, scale)],
  [["long/map"], (pool, scale) => fewLong("long/map", pool, scale)],
  [["long/run"], (pool, scale) => fewLong("long/run", pool, scale)],
  [["beside-long/rate", "beside-long/p99"], besideLong],
  [
    ["maps/equal"],
    (pool, scale) => maps("maps/equal", [2, 2, 2, 2], pool, scale),
  ],
  [
    ["maps/unequal"],
    (pool, scale) => maps("maps/unequal", [2, 2, 20, 20], pool, scale),
  ],
  [["beside-maps/rate", "beside-maps/p50", "beside-maps/p99"], besideMaps],
  [["loops/share"], manyLoops],
];

/** Measures how workers, and calls that compete for them, get their shares. */
export const fairness: Section = {
  title: "Shares of unequal workers and of competing calls, 4 workers",
  names: MEASURES.flatMap(([names]) => names.map(rowName)),
  run,
};

function rowName(name: string): string {
  return `fairness/${name}`;
}

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [names, measure] of MEASURES) {
    if (!names.some((name) => wanted.has(rowName(name)))) continue;
    rows.push(...await repeat(measure, effort));
  }
  return rows.filter(({ name }) => wanted.has(name));
}

/** Measures with a new pool, and returns a row for each figure. */
async function repeat(
  measure: Measure,
  { repetitions, scale }: Effort,
): Promise<Row[]> {
  await using pool = new Pool(WORKERS);
  await pool.ready;
  const turns: Figure[][] = [];
  while (turns.length < Math.min(repetitions - 1, REPETITIONS)) {
    turns.push(await measure(pool, scale));
  }
  return turns[0]!.map(({ name, unit, ideal }, index) => {
    const values = turns.map((figures) => figures[index]!.value);
    const ratios: Record<string, Spread> = ideal === undefined
      ? {}
      : { ideal: spread(values.map((value) => value / ideal)) };
    return { ...row(rowName(name), unit, values), ratios };
  });
}

/** Measures tasks of 10 ms that take half of the workers four times as long. */
async function unequal(
  name: string,
  pool: Pool,
  scale: number,
): Promise<Figure[]> {
  const pids = await pool.runOnAll(() => Deno.pid);
  const slow = pids.slice(WORKERS / 2);
  const task = bind(waitAt, slow);
  const count = Math.round(400 * scale);
  const lengths = new Array<number>(count).fill(10);
  const value = await seconds(() => runAll(name, pool, task, lengths));
  const speed = WORKERS / 2 * (1 + 1 / 4);
  return [{ name, unit: "s", value, ideal: count / 100 / speed }];
}

/** A task: waits, but for four times as long in the slow processes. */
async function waitAt(slow: number[], ms: number): Promise<void> {
  const factor = slow.includes(Deno.pid) ? 4 : 1;
  await new Promise((resolve) => setTimeout(resolve, ms * factor));
}

/** Measures tasks of 1 ms, 1 % of which take 100 ms. */
async function fewLong(
  name: string,
  pool: Pool,
  scale: number,
): Promise<Figure[]> {
  const count = Math.round(2_000 * scale);
  const long = count / 100;
  const lengths = shuffled(
    Array.from({ length: count }, (_, index) => index < long ? 100 : 1),
    new Random(2),
  );
  const value = await seconds(() => runAll(name, pool, wait, lengths));
  return [{ name, unit: "s", value, ideal: idealSeconds(lengths, WORKERS) }];
}

/** Makes the calls of a row whose name ends with the method to call. */
async function runAll(
  name: string,
  pool: Pool,
  task: (ms: number) => unknown,
  lengths: readonly number[],
): Promise<void> {
  if (name.endsWith("/map")) await pool.map(task, lengths).toArray();
  else await Promise.all(lengths.map((ms) => pool.run(task, ms)));
}

/**
 * Measures four loops of tasks of 2 ms, while two loops of tasks of 100 ms keep
 * half of the workers busy.
 */
async function besideLong(pool: Pool, scale: number): Promise<Figure[]> {
  const end = performance.now() + PERIOD * scale;
  const trips: number[] = [];
  await Promise.all([
    ...loops(2, end, () => pool.run(wait, 100)),
    ...loops(4, end, () => pool.run(wait, 2), trips),
  ]);
  const sorted = trips.toSorted((a, b) => a - b);
  return [
    {
      name: "beside-long/rate",
      unit: "/s",
      value: trips.length / (PERIOD * scale / 1_000),
      ideal: 2 / 0.002,
    },
    { name: "beside-long/p99", unit: "ms", value: percentile(sorted, 0.99) },
  ];
}

/**
 * Measures maps of tasks of these lengths, in milliseconds, as the working time
 * of the slowest map divided by that of the fastest.
 */
async function maps(
  name: string,
  lengths: readonly number[],
  pool: Pool,
  scale: number,
): Promise<Figure[]> {
  const end = performance.now() + PERIOD * scale;
  const counts = await Promise.all(lengths.map((ms) => readMap(pool, ms, end)));
  const times = counts.map((count, index) => count * lengths[index]!);
  return [{ name, unit: "×", value: evenness(times) }];
}

/** Measures two maps of tasks of 2 ms, and two loops of such tasks. */
async function besideMaps(pool: Pool, scale: number): Promise<Figure[]> {
  const { results, trips } = await mapsAndLoops(pool, scale, 2);
  const sorted = trips.toSorted((a, b) => a - b);
  return [
    {
      name: "beside-maps/rate",
      unit: "/s",
      value: (results + trips.length) / (PERIOD * scale / 1_000),
      ideal: WORKERS / 0.002,
    },
    { name: "beside-maps/p50", unit: "ms", value: percentile(sorted, 0.5) },
    { name: "beside-maps/p99", unit: "ms", value: percentile(sorted, 0.99) },
  ];
}

/**
 * Measures the share of the results that go to loops with more calls than there
 * are workers, beside two maps.
 */
async function manyLoops(pool: Pool, scale: number): Promise<Figure[]> {
  const { results, trips } = await mapsAndLoops(pool, scale, 2 * WORKERS);
  const value = trips.length / (results + trips.length);
  return [{ name: "loops/share", unit: "×", value }];
}

/** Makes tasks of 2 ms in two maps and in loops. */
async function mapsAndLoops(
  pool: Pool,
  scale: number,
  count: number,
): Promise<{ results: number; trips: number[] }> {
  const end = performance.now() + PERIOD * scale;
  const trips: number[] = [];
  const [one, other] = await Promise.all([
    readMap(pool, 2, end),
    readMap(pool, 2, end),
    ...loops(count, end, () => pool.run(wait, 2), trips),
  ]);
  return { results: one + other, trips };
}

/** Reads a map of endless items until `end`, and counts the results. */
async function readMap(pool: Pool, ms: number, end: number): Promise<number> {
  const items = function* () {
    for (;;) yield ms;
  };
  let count = 0;
  for await (const _ of pool.map(wait, items())) {
    count++;
    if (performance.now() >= end) break;
  }
  return count;
}

/**
 * Makes calls in loops until `end`.
 *
 * @param trips The list to which the milliseconds of each call are added.
 */
function loops(
  count: number,
  end: number,
  call: () => Promise<unknown>,
  trips?: number[],
): Promise<void>[] {
  return Array.from({ length: count }, async () => {
    for (let start; (start = performance.now()) < end;) {
      await call();
      trips?.push(performance.now() - start);
    }
  });
}

/** Returns the least divided by the greatest. */
function evenness(shares: readonly number[]): number {
  return Math.min(...shares) / Math.max(...shares);
}
