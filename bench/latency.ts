import { Pool } from "../mod.ts";
import { SMALL_BYTES } from "./bare_worker.ts";
import { BareWorker, roundTrip } from "./limits.ts";
import {
  type Effort,
  percentile,
  type Row,
  row,
  Samples,
  scaled,
  type Section,
  spread,
} from "./measure.ts";

/** Round trips of one kind before the other kind takes its turn. */
const ROUND = 200;

/**
 * Round trips at the start of a turn that don't count: the processes that take
 * part have been idle, so the first ones take up to ten times as long as others.
 */
const UNTIMED = 10;

/** Rounds of each kind in a repetition. */
const ROUNDS = 20;

/**
 * Rounds of each kind before the first repetition: while V8 still optimizes
 * functions, its threads take the processor from the other process.
 */
const WARM_UP_ROUNDS = 100;

/** The percentiles of the times of round trips, as fractions. */
export const PERCENTILES = { "p50": 0.5, "p99": 0.99, "p99.9": 0.999 };

/** The name of a percentile. */
export type Percentile = keyof typeof PERCENTILES;

/** A kind of round trip. */
export interface Trips {
  /** The start of its rows' names. */
  readonly name: string;
  /** Makes one round trip. */
  readonly trip: (index: number) => Promise<unknown>;
}

/** Measures the time of single round trips. */
export const latency: Section = {
  title: "Round trip, 1 worker, one at a time",
  names: [
    "echo/p50",
    "echo/p99",
    "echo/p99.9",
    "run/p50",
    "run/p99",
    "run/p99.9",
  ],
  run,
};

async function run(
  _wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using worker = await BareWorker.start("echo");
  await using pool = new Pool(1);
  await pool.ready;
  return await compareTrips(
    bareTrips("echo", worker.connection),
    runTrips("run", pool),
    ["p50", "p99", "p99.9"],
    effort,
    scaled(WARM_UP_ROUNDS, effort),
  );
}

/** Round trips of bytes to a bare worker of the mode `"echo"`. */
export function bareTrips(name: string, connection: Deno.Conn): Trips {
  const message = new Uint8Array(SMALL_BYTES);
  return { name, trip: () => roundTrip(connection, message) };
}

/** Round trips of calls to a pool. */
export function runTrips(name: string, pool: Pool): Trips {
  return { name, trip: (index) => pool.run(increment, index) };
}

/**
 * Measures two kinds of round trips, the first as the limit of the second. The
 * higher percentiles are also compared with the median of their own kind, which
 * shows how much longer than most the slowest trips take.
 *
 * @param percentiles The percentiles to measure, the median first.
 * @param warmUp Rounds of each kind before the first repetition.
 * @returns A row for each percentile of the limit, then of the other.
 */
export async function compareTrips(
  limit: Trips,
  trips: Trips,
  percentiles: readonly Percentile[],
  effort: Effort,
  warmUp = scaled(ROUNDS, effort),
): Promise<Row[]> {
  const rounds = scaled(ROUNDS, effort);
  await alternate(limit.trip, trips.trip, warmUp);
  const values = new Samples();
  const ratios = new Samples();
  for (let turn = 0; turn < effort.repetitions; turn++) {
    const [least, times] = await alternate(limit.trip, trips.trip, rounds);
    for (const key of percentiles) {
      const bound = percentile(least, PERCENTILES[key]);
      const value = percentile(times, PERCENTILES[key]);
      values.add(`${limit.name}/${key}`, bound);
      values.add(`${trips.name}/${key}`, value);
      ratios.add(`${trips.name}/${key} ${limit.name}/${key}`, value / bound);
      if (key === "p50") continue;
      for (
        const [{ name }, sorted] of [[limit, least], [trips, times]] as const
      ) {
        const median = percentile(sorted, PERCENTILES.p50);
        const tail = percentile(sorted, PERCENTILES[key]) / median;
        ratios.add(`${name}/${key} ${name}/p50`, tail);
      }
    }
  }
  const makeRow = (name: string, limits: readonly string[]) => ({
    ...row(name, "µs", values.of(name)),
    ratios: Object.fromEntries(
      limits.map((limit) => [limit, spread(ratios.of(`${name} ${limit}`))]),
    ),
  });
  const medianOf = ({ name }: Trips, key: Percentile) =>
    key === "p50" ? [] : [`${name}/p50`];
  return [
    ...percentiles.map((key) =>
      makeRow(`${limit.name}/${key}`, medianOf(limit, key))
    ),
    ...percentiles.map((key) =>
      makeRow(`${trips.name}/${key}`, [
        `${limit.name}/${key}`,
        ...medianOf(trips, key),
      ])
    ),
  ];
}

/** The task: adds 1. */
export function increment(x: number): number {
  return x + 1;
}

/**
 * Times two kinds of round trips in turns, so a disturbance hits both.
 *
 * @returns The sorted times of each, in microseconds.
 */
async function alternate(
  one: (index: number) => Promise<unknown>,
  other: (index: number) => Promise<unknown>,
  rounds: number,
): Promise<[number[], number[]]> {
  const oneTimes: number[] = [];
  const otherTimes: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await timeTrips(one, ROUND, oneTimes);
    await timeTrips(other, ROUND, otherTimes);
  }
  return [oneTimes.toSorted(ascending), otherTimes.toSorted(ascending)];
}

/** Makes round trips, and adds the time of each, in microseconds. */
async function timeTrips(
  trip: (index: number) => Promise<unknown>,
  count: number,
  times: number[],
): Promise<void> {
  for (let index = 0; index < UNTIMED; index++) await trip(index);
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await trip(index);
    times.push((performance.now() - start) * 1_000);
  }
}

/** Compares numbers, to sort them. */
export function ascending(a: number, b: number): number {
  return a - b;
}
