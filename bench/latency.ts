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

/** Round trips of one kind before it is the other kind's turn. */
const ROUND = 200;

/** Rounds of each kind in a repetition. */
const ROUNDS = 20;

const PERCENTILES = [["p50", 0.5], ["p99", 0.99]] as const;

/** The time of one round trip at a time. */
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
  const message = new Uint8Array(SMALL_BYTES);
  const echo = () => roundTrip(worker.connection, message);
  const call = (index: number) => pool.run(increment, index);
  const rounds = scaled(ROUNDS, effort);
  await alternate(echo, call, rounds);
  const values = new Samples();
  const ratios = new Samples();
  for (let turn = 0; turn < effort.repetitions; turn++) {
    const [echoTimes, callTimes] = await alternate(echo, call, rounds);
    for (const [name, p] of PERCENTILES) {
      const limit = percentile(echoTimes, p);
      const value = percentile(callTimes, p);
      values.add(`echo/${name}`, limit);
      values.add(`run/${name}`, value);
      ratios.add(name, value / limit);
    }
  }
  return makeRows(values, ratios);
}

function increment(x: number): number {
  return x + 1;
}

/**
 * Times two kinds of round trips in turns, so that what disturbs one disturbs
 * the other too.
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

function makeRows(values: Samples, ratios: Samples): Row[] {
  const limits = PERCENTILES.map(([name]) =>
    row(`echo/${name}`, "µs", values.of(`echo/${name}`))
  );
  const calls = PERCENTILES.map(([name]) => ({
    ...row(`run/${name}`, "µs", values.of(`run/${name}`)),
    ratios: { [`echo/${name}`]: spread(ratios.of(name)) },
  }));
  return [...limits, ...calls];
}
