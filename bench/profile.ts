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
  run(pool: Pool, items: readonly number[]): Promise<unknown>;
}

const WORKS: Readonly<Record<string, Work>> = {
  "map": { count: 600_000, run: (pool, items) => map(pool, items, 1) },
  "run-loops": {
    count: 400_000,
    run: (pool, items) =>
      inLoops(LOOPS, items.length, (x) => pool.run(increment, x)),
  },
  "chunk-1000": {
    count: 8_000_000,
    run: (pool, items) => map(pool, items, 1_000),
  },
};

function map(
  pool: Pool,
  items: readonly number[],
  chunkSize: number,
): Promise<number> {
  return countByLoop(pool.map(increment, items, { chunkSize }));
}

/** What time is spent for, by the module of a function or V8's name for it. */
const STEPS: readonly [part: RegExp, step: string][] = [
  [/^\(idle\)$/, "idle"],
  [/^task:|bench\//, "the program: its loop, its task"],
  [/src\/map/, "maps: take items, order results"],
  [/src\/(pool|calls|tasks|util)/, "calls and their promises"],
  [/src\/scheduling/, "choose workers, keep account of calls"],
  [/src\/(codec\/.*(writer|encoder)|transport\/frame_writer)/, "encode"],
  [/^op_now$|15_performance/, "read the clock"],
  [/^op_|src\/transport\/channel|guarded_connection|ext:/, "write and read"],
  [/src\/(codec|transport|protocol)/, "decode and check"],
  [/src\/worker/, "start tasks, collect results"],
  [/^\(garbage collector\)$/, "collect garbage"],
];

const OTHER = "V8 and Deno: promises, built-in functions";

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
  const items = integers(count);
  await using pool = new Pool(1);
  await run(pool, items);
  const ownBefore = cpuTime();
  const before = await pool.run(tasks.cpuTime);
  await run(pool, items);
  const own = cpuTime() - ownBefore;
  const worker = await pool.run(tasks.cpuTime) - before;
  await startProfile();
  await pool.run(tasks.startProfile);
  await run(pool, items);
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
  return file === "" ? `\`${name}\`` : `\`${name}\` of ${file}`;
}

/** Prints the steps of all profiles in one table, in nanoseconds. */
function printSteps(profiles: ReadonlyMap<string, Profile>): void {
  const columns = [...profiles.values()].map(({ cpu, hits }) => ({
    cpu,
    steps: new Map(
      shares(hits, stepOf).map(({ name, share }) => [name, share * cpu]),
    ),
  }));
  const line = (label: string, figures: readonly number[]) =>
    `| ${label} | ${figures.map((figure) => figure.toFixed(0)).join(" | ")} |`;
  console.log(`| | ${[...profiles.keys()].join(" | ")} |`);
  console.log(`| --- |${" ---: |".repeat(columns.length)}`);
  for (const step of [...STEPS.map(([, step]) => step), OTHER]) {
    const figures = columns.map(({ steps }) => steps.get(step) ?? 0);
    if (figures.some((figure) => figure >= 0.5)) {
      console.log(line(step, figures));
    }
  }
  console.log(line("all", columns.map(({ cpu }) => cpu)));
}

function printFunctions(name: string, { cpu, hits }: Profile): void {
  console.log(`\n| ${name} | ns | % |\n| --- | ---: | ---: |`);
  for (const { name, share } of shares(hits, functionOf).slice(0, FUNCTIONS)) {
    const percent = (share * 100).toFixed(1);
    console.log(`| ${name} | ${(cpu * share).toFixed(0)} | ${percent} |`);
  }
}

async function main(names: readonly string[]): Promise<void> {
  const profiles = new Map<string, Profile>();
  for (const name of names.length > 0 ? names : Object.keys(WORKS)) {
    const work = WORKS[name];
    if (work === undefined) throw new TypeError(`There is no work '${name}'`);
    const { pool, worker } = await profileWork(work);
    profiles.set(`${name}: pool`, pool).set(`${name}: worker`, worker);
  }
  printSteps(profiles);
  for (const [name, profile] of profiles) printFunctions(name, profile);
}

if (import.meta.main) await main(Deno.args);
