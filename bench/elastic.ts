/**
 * Measures a pool that grows and shrinks under bursts, beside one with as many
 * workers all the time.
 *
 * @module
 */

import { Pool, type PoolOptions } from "../mod.ts";
import {
  type Effort,
  type Row,
  row,
  Samples,
  scaled,
  type Section,
  spread,
} from "./measure.ts";
import { storeBundle } from "./store_bundle.ts";
import { wait } from "./wait.ts";

const WORKERS = 32;
const REPETITIONS = 3;

/** How many bursts there are, and how many calls each has. */
const BURSTS = 3;
const CALLS = 640;

/** How long a call takes, in milliseconds. */
const CALL_TIME = 50;

/** The pause after each burst, and after which workers end, in milliseconds. */
const PAUSE = 1_500;
const IDLE = 500;

/** How often the number of workers is read, in milliseconds. */
const INTERVAL = 5;

const POOLS: Readonly<Record<string, PoolOptions>> = {
  fixed: { workers: WORKERS },
  elastic: { workers: { min: 0, max: WORKERS, idle: IDLE } },
};

/** The figures, and their units. */
const FIGURES = {
  "first": "ms",
  "later": "ms",
  "burst": "ms",
  "worker-seconds": "s",
} as const;

type Figures = Record<keyof typeof FIGURES, number[]>;

/** Measures bursts in a pool that grows from 0, and in a fixed one. */
export const elastic: Section = {
  title:
    `Bursts of ${CALLS} calls of ${CALL_TIME} ms: 0 to ${WORKERS} workers, or always ${WORKERS}`,
  names: Object.keys(POOLS).flatMap((pool) =>
    Object.keys(FIGURES).map((figure) => `${pool}/${figure}`)
  ),
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const values = new Samples();
  const ratios = new Samples();
  await storeBundle();
  for (let turn = 0; turn < scaled(REPETITIONS, effort); turn++) {
    const fixed = await measure(POOLS.fixed!, effort);
    const elastic = await measure(POOLS.elastic!, effort);
    for (const figure of Object.keys(FIGURES) as (keyof Figures)[]) {
      for (const value of fixed[figure]) values.add(`fixed/${figure}`, value);
      for (const value of elastic[figure]) {
        values.add(`elastic/${figure}`, value);
      }
      const ratio = mean(elastic[figure]) / mean(fixed[figure]);
      ratios.add(`elastic/${figure}`, ratio);
    }
  }
  return elastic.names.filter((name) => wanted.has(name)).map((name) => {
    const [pool, figure] = name.split("/") as [string, keyof Figures];
    const base = row(name, FIGURES[figure], values.of(name));
    if (pool === "fixed") return base;
    const ratio = spread(ratios.of(name));
    return { ...base, ratios: { [`fixed/${figure}`]: ratio } };
  });
}

/** Runs bursts in a pool. */
async function measure(options: PoolOptions, effort: Effort): Promise<Figures> {
  const figures: Figures = {
    "first": [],
    "later": [],
    "burst": [],
    "worker-seconds": [],
  };
  const begin = performance.now();
  const pool = new Pool(options);
  const watch = watchWorkers(pool);
  try {
    const bursts = Math.max(2, scaled(BURSTS, effort));
    for (let burst = 0; burst < bursts; burst++) {
      // The first burst doesn't wait until the pool is ready.
      const start = burst === 0 ? begin : performance.now();
      const calls = Array.from(
        { length: CALLS },
        () => pool.run(wait, CALL_TIME),
      );
      await Promise.any(calls);
      const first = performance.now() - start - CALL_TIME;
      figures[burst === 0 ? "first" : "later"].push(first);
      await Promise.all(calls);
      figures.burst.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  } finally {
    figures["worker-seconds"].push(watch());
    await pool.shutdown();
  }
  return figures;
}

/**
 * Adds up for how long a pool has workers, in seconds, with those that start.
 *
 * @returns A function that ends this and returns the sum.
 */
function watchWorkers(pool: Pool): () => number {
  let total = 0;
  let last = performance.now();
  const read = () => {
    const now = performance.now();
    total += pool.totalWorkers * (now - last) / 1_000;
    last = now;
  };
  const timer = setInterval(read, INTERVAL);
  return () => {
    clearInterval(timer);
    read();
    return total;
  };
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
