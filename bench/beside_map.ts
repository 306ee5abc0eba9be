import { Pool } from "../mod.ts";
import { pause } from "../src/util/pause.ts";
import { ascending, increment, PERCENTILES } from "./latency.ts";
import {
  type Effort,
  percentile,
  type Row,
  row,
  Samples,
  scaled,
  type Section,
} from "./measure.ts";

/** Round trips in a repetition. */
const TRIPS = 400;

/**
 * The time between two round trips, in milliseconds. Without it, most trips
 * would be made while the map stands still, because they are quick then.
 */
export const PAUSE = 2;

/** How many results the map has yielded before the first round trip. */
const RESULTS_BEFORE = 200_000;

/** Measures the time of single round trips while a map keeps all workers busy. */
export const besideMap: Section = {
  title: "Round trip beside a map of tiny tasks, 2 workers, one at a time",
  names: ["beside-map/p50", "beside-map/p99"],
  run,
};

async function run(
  _wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  await using pool = new Pool(2);
  await using _map = await EndlessMap.start(pool);
  const trips = scaled(TRIPS, effort);
  await timesBesideMap(pool, trips);
  const values = new Samples();
  for (let turn = 0; turn < effort.repetitions; turn++) {
    const times = await timesBesideMap(pool, trips);
    values.add("p50", percentile(times, PERCENTILES.p50));
    values.add("p99", percentile(times, PERCENTILES.p99));
  }
  return ["p50", "p99"].map((key) =>
    row(`beside-map/${key}`, "µs", values.of(key))
  );
}

/** Returns the sorted times of round trips, in microseconds. */
async function timesBesideMap(pool: Pool, trips: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < trips; index++) {
    await pause(PAUSE);
    const start = performance.now();
    await pool.run(increment, index);
    times.push((performance.now() - start) * 1_000);
  }
  return times.sort(ascending);
}

/** A map of tiny tasks that runs until it is disposed. */
export class EndlessMap implements AsyncDisposable {
  readonly #isRunning = Promise.withResolvers<void>();
  readonly #end: Promise<void>;
  #isStopped = false;

  private constructor(pool: Pool) {
    this.#end = this.#read(pool);
    // The disposal reports the error too.
    this.#end.catch(this.#isRunning.reject);
  }

  /** Starts a map, and waits until it has reached its speed. */
  static async start(pool: Pool): Promise<EndlessMap> {
    const map = new EndlessMap(pool);
    await map.#isRunning.promise;
    return map;
  }

  /** Stops the map. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#end;
  }

  async #read(pool: Pool): Promise<void> {
    let count = 0;
    for await (const _ of pool.map(increment, integers())) {
      if (++count === RESULTS_BEFORE) this.#isRunning.resolve();
      if (this.#isStopped) return;
    }
  }
}

function* integers(): Generator<number> {
  for (let value = 0;; value++) yield value;
}
