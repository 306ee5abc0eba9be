/**
 * A program with one pool of many simulated workers, which prints figures as
 * JSON. Each size has a process of its own, because its memory is measured too.
 *
 * To profile the pool, choose one kind of work and many rounds of it:
 *
 * ```sh
 * deno run -A --v8-flags=--expose-gc --cpu-prof bench/scale_pool.ts \
 *   --workers 4096 --work bursts --rounds 20
 * ```
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import process from "node:process";
import { Pool, type PoolOptions } from "../mod.ts";
import { inLoops, percentile, scaled, seconds, spread } from "./measure.ts";
import type { Transport } from "./simulator/machine.ts";
import { Simulator } from "./simulator/simulator.ts";
import { increment } from "./throughput.ts";

/** How many workers share a process. */
const WORKERS_PER_MACHINE = 512;

/** The number of calls in a burst, which is never scaled: it is what counts. */
const BURST = 50_000;

/** The number of calls that loops make together. */
const LOOPED = 20_000;

/** The numbers of loops that each await one call after the other. */
export const LOOPS = [8, 256] as const;

/** The number of calls that are made one at a time. */
const SINGLE = 2_000;

/** How many workers are lost at once. */
export const LOST = 1_000;

/** How long a machine may be silent, and all workers take to join. */
const SLOWEST = 300_000;

/** How often the pool is asked whether something has changed. */
const LOOK_MILLISECONDS = 10;

/** How many looks in a row must find the pool idle. */
const LOOKS = 10;

/** How much CPU time an idle pool takes between two looks, in microseconds. */
const IDLE_MICROSECONDS = 2_000;

/** The kinds of work, in the order in which they are done. */
export const WORK = ["bursts", "loops", "single", "memory", "lose"] as const;

/** A kind of work. */
export type Work = typeof WORK[number];

/** What to measure. */
export interface ScaleRequest {
  /** How many workers the pool has. */
  readonly workers: number;
  /** How they connect. */
  readonly transport: Transport;
  /** Whether those of a machine share its connection. */
  readonly fanout: boolean;
  /** The kinds of work. */
  readonly work: readonly Work[];
  /** How often each is done after a warm-up. */
  readonly rounds: number;
  /** The work in a round, as a fraction of the full amount. */
  readonly scale: number;
}

/**
 * The figures of one pool, by the names of their rows. Times are in
 * microseconds, but those of `join` and `lose` in milliseconds; memory is in
 * kilobytes for each worker, `join-cpu` and the CPU times of calls are for one.
 */
export type ScaleFigures = Readonly<Record<string, number>>;

/** A pool, its simulator, and what to measure. */
interface Subject {
  readonly pool: Pool;
  readonly simulator: Simulator;
  readonly request: ScaleRequest;
  /** The memory in use before the pool existed. */
  readonly memory: Memory;
}

const MEASURES: Record<Work, (subject: Subject) => Promise<ScaleFigures>> = {
  bursts,
  loops,
  single,
  memory,
  lose,
};

/** Measures a pool in this process. */
async function measureScale(request: ScaleRequest): Promise<ScaleFigures> {
  const { workers, transport, fanout } = request;
  const machines = Math.ceil(workers / WORKERS_PER_MACHINE);
  await using simulator = await Simulator.start(transport, machines);
  await warmUp(simulator, fanout);
  const memory = memoryInUse();
  await using pool = new Pool(optionsOf(simulator, workers, fanout));
  const joined = await timed(() => pool.ready);
  const figures: Record<string, number> = {
    "join": joined.seconds * 1_000,
    "join-cpu": joined.cpu / workers,
  };
  for (const work of WORK) {
    if (!request.work.includes(work)) continue;
    const measure = MEASURES[work];
    Object.assign(figures, await measure({ pool, simulator, request, memory }));
  }
  return figures;
}

function optionsOf(
  simulator: Simulator,
  workers: number,
  fanout: boolean,
): PoolOptions {
  return {
    workers: 0,
    hosts: simulator.hosts(workers, fanout),
    // Replacements would add to the cost of losses.
    maxRestarts: 0,
    // All machines share the cores with the pool.
    heartbeatTimeout: SLOWEST,
    startTimeout: SLOWEST,
    stdio: "null",
  };
}

/**
 * Compiles the code, makes the program for ssh hosts, and lets the heap grow as
 * much as the calls need, so the rest of the memory is that of workers.
 */
async function warmUp(simulator: Simulator, fanout: boolean): Promise<void> {
  await using pool = new Pool(optionsOf(simulator, 8, fanout));
  for (let round = 0; round < 3; round++) {
    await burst(pool, BURST);
    await inLoops(64, 5_000, (x) => pool.run(increment, x));
  }
}

async function bursts({ pool, request }: Subject): Promise<ScaleFigures> {
  const { rate, cpu } = await repeat(BURST, request, () => burst(pool, BURST));
  return { "bursts": rate, "bursts-cpu": cpu };
}

async function burst(pool: Pool, calls: number): Promise<void> {
  await Promise.all(
    Array.from({ length: calls }, (_, x) => pool.run(increment, x)),
  );
}

async function loops({ pool, request }: Subject): Promise<ScaleFigures> {
  const calls = scaled(LOOPED, { ...request, repetitions: request.rounds });
  const figures: Record<string, number> = {};
  for (const count of LOOPS) {
    const work = () => inLoops(count, calls, (x) => pool.run(increment, x));
    const { rate, cpu } = await repeat(calls, request, work);
    figures[`loops-${count}`] = rate;
    figures[`loops-${count}-cpu`] = cpu;
  }
  return figures;
}

async function single({ pool, request }: Subject): Promise<ScaleFigures> {
  const calls = scaled(SINGLE, { ...request, repetitions: request.rounds });
  const times: number[] = [];
  await repeat(calls, request, async () => {
    for (let x = 0; x < calls; x++) {
      const start = performance.now();
      await pool.run(increment, x);
      times.push((performance.now() - start) * 1_000);
    }
  });
  // Without those of the warm-up.
  const sorted = times.slice(calls).sort((a, b) => a - b);
  return {
    "p50": percentile(sorted, 0.5),
    "p99": percentile(sorted, 0.99),
  };
}

// deno-lint-ignore require-await
async function memory({ request, memory }: Subject): Promise<ScaleFigures> {
  const { rss, heap } = memoryInUse();
  return {
    "rss": (rss - memory.rss) / request.workers / 1_000,
    "heap": (heap - memory.heap) / request.workers / 1_000,
  };
}

/**
 * Kills workers that all have a call, and waits until the pool has handled all
 * losses.
 */
async function lose(
  { pool, simulator, request: { workers } }: Subject,
): Promise<ScaleFigures> {
  for (let call = 0; call < workers; call++) pool.run(hang).catch(() => {});
  await until(() => pool.stats().running === workers);
  // The calls of all workers are still being sent, which isn't measured.
  await untilIdle();
  collectGarbage();
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  const { cpu } = await timed(async () => {
    await simulator.kill(LOST, WORKERS_PER_MACHINE);
    await until(() => pool.stats().workers === workers - LOST);
  });
  clearInterval(timer);
  await pool.terminate();
  return { "lose": cpu / 1_000, "lose-pause": longest };
}

function hang(): Promise<never> {
  return new Promise(() => {});
}

/** Waits for a change in the pool. */
async function until(hasChanged: () => boolean): Promise<void> {
  while (!hasChanged()) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
}

/** Waits until this process has had nothing to do for a while. */
async function untilIdle(): Promise<void> {
  for (let looks = 0; looks < LOOKS;) {
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    const { user, system } = process.cpuUsage(before);
    looks = user + system < IDLE_MICROSECONDS ? looks + 1 : 0;
  }
}

/** Returns calls per second, and the CPU time of each in microseconds. */
async function repeat(
  calls: number,
  { rounds }: ScaleRequest,
  work: () => Promise<unknown>,
): Promise<{ rate: number; cpu: number }> {
  await work();
  const rates: number[] = [];
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { seconds, cpu } = await timed(work);
    rates.push(calls / seconds);
    costs.push(cpu / calls);
  }
  return { rate: spread(rates).median, cpu: spread(costs).median };
}

/** Returns how long work takes, and its CPU time in microseconds. */
async function timed(
  work: () => Promise<unknown>,
): Promise<{ seconds: number; cpu: number }> {
  const before = process.cpuUsage();
  const time = await seconds(work);
  const { user, system } = process.cpuUsage(before);
  return { seconds: time, cpu: user + system };
}

/** The memory of a process, in bytes. */
interface Memory {
  /** What the system counts. */
  readonly rss: number;
  /** Objects and buffers. */
  readonly heap: number;
}

/** Returns the memory in use after a garbage collection. */
function memoryInUse(): Memory {
  collectGarbage();
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return { rss, heap: heapUsed + external };
}

/** Collects garbage, if V8 exposes that. */
function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    boolean: ["fanout"],
    string: ["workers", "transport", "work", "rounds", "scale"],
    collect: ["work"],
    default: { workers: "8", transport: "unix", rounds: "3", scale: "1" },
  });
  const figures = await measureScale({
    workers: Number(args.workers),
    transport: args.transport as Transport,
    fanout: args.fanout,
    work: args.work as Work[],
    rounds: Number(args.rounds),
    scale: Number(args.scale),
  });
  console.log(JSON.stringify(figures));
}
