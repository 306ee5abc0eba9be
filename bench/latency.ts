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

/** Rounds of each kind in a repetition. */
const ROUNDS = 20;

const PERCENTILES = { p50: 0.5, p99: 0.99 };

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
  names: ["echo/p50", "echo/p99", "run/p50", "run/p99"],
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
    ["p50", "p99"],
    effort,
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
 * Measures two kinds of round trips, the first as the limit of the second.
 *
 * @returns A row for each percentile of the limit, then of the other.
 */
export async function compareTrips(
  limit: Trips,
  trips: Trips,
  percentiles: readonly (keyof typeof PERCENTILES)[],
  effort: Effort,
): Promise<Row[]> {
  const rounds = scaled(ROUNDS, effort);
  await alternate(limit.trip, trips.trip, rounds);
  const values = new Samples();
  const ratios = new Samples();
  for (let turn = 0; turn < effort.repetitions; turn++) {
    const [least, times] = await alternate(limit.trip, trips.trip, rounds);
    for (const key of percentiles) {
      const bound = percentile(least, PERCENTILES[key]);
      const value = percentile(times, PERCENTILES[key]);
      values.add(`${limit.name}/${key}`, bound);
      values.add(`${trips.name}/${key}`, value);
      ratios.add(key, value / bound);
    }
  }
  const makeRow = (name: string) => row(name, "µs", values.of(name));
  return [
    ...percentiles.map((key) => makeRow(`${limit.name}/${key}`)),
    ...percentiles.map((key) => ({
      ...makeRow(`${trips.name}/${key}`),
      ratios: { [`${limit.name}/${key}`]: spread(ratios.of(key)) },
    })),
  ];
}

function increment(x: number): number {
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
    await timeRound(one, oneTimes);
    await timeRound(other, otherTimes);
  }
  const ascending = (a: number, b: number) => a - b;
  return [oneTimes.toSorted(ascending), otherTimes.toSorted(ascending)];
}

async function timeRound(
  trip: (index: number) => Promise<unknown>,
  times: number[],
): Promise<void> {
  for (let index = 0; index < ROUND; index++) {
    const start = performance.now();
    await trip(index);
    times.push((performance.now() - start) * 1_000);
  }
}
