/**
 * Shows where the CPU time of a pool and of a worker goes:
 * `deno run -A bench/profile.ts [map] [run-loops] [chunk-1000]`.
 *
 * The CPU time per call is measured first, without a profiler. V8's sampling
 * profiler then shows how it is shared out. The time per function is its own,
 * without the functions that it calls.
 *
 * @module
 */

import { importTasks, Pool } from "../mod.ts";
import { inLoops } from "./measure.ts";
import { cpuTime, type Hits, startProfile, stopProfile } from "./profiler.ts";
import { countByLoop, increment, integers } from "./throughput.ts";

const LOOPS = 256;

/** How many functions are listed. */
const FUNCTIONS = 12;

interface Work {
  /** How many calls or items it is for. */
  readonly count: number;
  run(pool: Pool, count: number): Promise<unknown>;
}

const WORKS: Readonly<Record<string, Work>> = {
  "map": { count: 600_000, run: (pool, count) => map(pool, count, 1) },
  "run-loops": {
    count: 400_000,
    run: (pool, count) => inLoops(LOOPS, count, (x) => pool.run(increment, x)),
  },
  "chunk-1000": {
    count: 8_000_000,
    run: (pool, count) => map(pool, count, 1_000),
  },
};

function map(pool: Pool, count: number, chunkSize: number): Promise<number> {
  return countByLoop(pool.map(increment, integers(count), { chunkSize }));
}

/** What samples are about, by their module or V8's name for them. */
const STEPS: readonly [part: RegExp, step: string][] = [
  [/^\(idle\)$/, "idle"],
  [/^\(garbage collector\)$/, "collect garbage"],
  [/^\(program\)$/, "V8 and Deno outside of JavaScript"],
  [/src\/(codec\/.*(writer|encoder)|transport\/frame_writer)/, "encode"],
  [/src\/(codec|transport\/frame_reader|protocol)/, "decode and check"],
  [/src\/transport|ext:/, "read and write"],
  [/src\/scheduling/, "schedule"],
  [/src\/map/, "map: take items, order results"],
  [/src\/(pool|calls|tasks|util)/, "calls and their promises"],
  [/src\/worker/, "worker: start tasks, collect results"],
  [/^task:|bench\//, "the program: its loop, its task"],
];

const OTHER = "built-in functions";

/** The profile of one process. */
export interface Profile {
  /** The CPU time per call or item, in nanoseconds. */
  readonly cpu: number;
  readonly hits: readonly Hits[];
}

/** The part of the time that isn't idle. */
interface Share {
  readonly name: string;
  readonly share: number;
}

/** Profiles a work in the process of the pool and in its worker. */
export async function profileWork(
  { run, count }: Work,
): Promise<{ pool: Profile; worker: Profile }> {
  const tasks = importTasks<typeof import("./profiler.ts")>(
    import.meta.resolve("./profiler.ts"),
  );
  await using pool = new Pool(1);
  await run(pool, count);
  const ownBefore = cpuTime();
  const before = await pool.run(tasks.cpuTime);
  await run(pool, count);
  const own = cpuTime() - ownBefore;
  const worker = await pool.run(tasks.cpuTime) - before;
  await startProfile();
  await pool.run(tasks.startProfile);
  await run(pool, count);
  const workerHits = await pool.run(tasks.stopProfile);
  const hits = await stopProfile();
  return {
    pool: { cpu: own * 1_000 / count, hits },
    worker: { cpu: worker * 1_000 / count, hits: workerHits },
  };
}

/** Adds up samples by a name, the largest first, without the idle ones. */
export function shares(
  hits: readonly Hits[],
  nameOf: (hits: Hits) => string,
): Share[] {
  const busy = hits.filter((some) => stepOf(some) !== "idle");
  const total = busy.reduce((sum, { hits }) => sum + hits, 0);
  const sums = new Map<string, number>();
  for (const some of busy) {
    const name = nameOf(some);
    sums.set(name, (sums.get(name) ?? 0) + some.hits);
  }
  return [...sums].map(([name, sum]) => ({ name, share: sum / total }))
    .sort((a, b) => b.share - a.share);
}

/** Returns what the time in a function is spent for. */
export function stepOf({ name, url }: Hits): string {
  const subject = url === "" ? name : url;
  return STEPS.find(([part]) => part.test(subject))?.[1] ?? OTHER;
}

function functionOf({ name, url }: Hits): string {
  const file = url.split("/").slice(-2).join("/");
  return file === "" ? name : `${name}, ${file}`;
}

function printShares(title: string, cpu: number, rows: readonly Share[]): void {
  console.log(`\n| ${title} | ns | % |\n| --- | ---: | ---: |`);
  for (const { name, share } of rows) {
    const percent = (share * 100).toFixed(1);
    console.log(`| ${name} | ${(cpu * share).toFixed(0)} | ${percent} |`);
  }
}

async function main(names: readonly string[]): Promise<void> {
  for (const name of names.length > 0 ? names : Object.keys(WORKS)) {
    const work = WORKS[name];
    if (work === undefined) throw new TypeError(`There is no work '${name}'`);
    const profiles = await profileWork(work);
    for (const [end, { cpu, hits }] of Object.entries(profiles)) {
      console.log(`\n## ${name}, ${end}: ${cpu.toFixed(0)} ns of CPU time`);
      printShares("Step", cpu, shares(hits, stepOf));
      const functions = shares(hits, functionOf).slice(0, FUNCTIONS);
      printShares("Function", cpu, functions);
    }
  }
}

if (import.meta.main) await main(Deno.args);
