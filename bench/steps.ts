/**
 * Measures the steps of a round trip of `run`, one at a time, on one worker:
 * `deno run -A bench/steps.ts [trips]`.
 *
 * Then it does the same beside a map of tiny tasks, with fewer steps.
 *
 * Both processes note when they read, write and run. The two ways through the
 * system can't be told apart, because the clocks of two processes differ by some
 * microseconds; half of the time is shown for each.
 *
 * @module
 */

import { importTasks, Pool } from "../mod.ts";
import { pause } from "../src/util/pause.ts";
import { EndlessMap, PAUSE } from "./beside_map.ts";
import { ascending } from "./latency.ts";
import { percentile } from "./measure.ts";
import { clock, stampConnections, stamps, type TaskStamps } from "./stamps.ts";

const WARM_UP = 5_000;
const TRIPS = 10_000;

/** Round trips beside a map. */
const TRIPS_BESIDE = 1_000;

/** The median duration of each step, in microseconds. */
export interface TripSteps {
  /** From the call of `run` until its bytes are written: queue, choose, encode. */
  readonly send: number;
  /** From the write until the worker has read: system calls, waking it up. */
  readonly toWorker: number;
  /** From the read until the task begins: decode, check, prepare. */
  readonly begin: number;
  /** From the task's first line until its result is written: run, encode. */
  readonly run: number;
  /** From that write until the pool has read. */
  readonly toPool: number;
  /** From the read until the caller goes on: decode, check, settle. */
  readonly settle: number;
  /** The whole round trip. */
  readonly total: number;
}

/** Measures the steps of round trips. */
export async function tripSteps(trips: number): Promise<TripSteps> {
  const tasks = importTasks<typeof import("./stamps.ts")>(
    import.meta.resolve("./stamps.ts"),
  );
  await using pool = new Pool(1);
  await pool.runOnAll(tasks.stampConnections);
  await stampConnections();
  for (let trip = 0; trip < WARM_UP; trip++) await pool.run(tasks.reportStamps);
  const times: Record<keyof TripSteps, number[]> = {
    send: [],
    toWorker: [],
    begin: [],
    run: [],
    toPool: [],
    settle: [],
    total: [],
  };
  /** The stamps of the last trip, and those of this process after it. */
  let last: {
    task: TaskStamps;
    read: number;
    start: number;
    end: number;
    write: number;
  } | undefined;
  for (let trip = 0; trip <= trips; trip++) {
    const start = clock();
    const task = await pool.run(tasks.reportStamps);
    const end = clock();
    const { read, write } = stamps;
    // The worker reports the write of a result only with the next one.
    if (last !== undefined) {
      times.send.push(last.write - last.start);
      times.toWorker.push(last.task.read - last.write);
      times.begin.push(last.task.begin - last.task.read);
      times.run.push(task.write - last.task.begin);
      times.toPool.push(last.read - task.write);
      times.settle.push(last.end - last.read);
      times.total.push(last.end - last.start);
    }
    last = { task, read, write, start, end };
  }
  const way = (median(times.toWorker) + median(times.toPool)) / 2;
  return {
    send: median(times.send),
    toWorker: way,
    begin: median(times.begin),
    run: median(times.run),
    toPool: way,
    settle: median(times.settle),
    total: median(times.total),
  };
}

/** The medians of a trip beside a map, in microseconds. */
export interface StepsBesideMap {
  /** From the call of `run` until the task begins. */
  readonly before: number;
  /** From then until the caller goes on. */
  readonly after: number;
}

/** Measures round trips while a map of tiny tasks keeps two workers busy. */
export async function stepsBesideMap(trips: number): Promise<StepsBesideMap> {
  const tasks = importTasks<typeof import("./stamps.ts")>(
    import.meta.resolve("./stamps.ts"),
  );
  await using pool = new Pool(2);
  await pool.runOnAll(tasks.reportStamps);
  await using _map = await EndlessMap.start(pool);
  const before: number[] = [];
  const after: number[] = [];
  for (let trip = 0; trip < trips; trip++) {
    await pause(PAUSE);
    const start = clock();
    const { begin } = await pool.run(tasks.reportStamps);
    before.push(begin - start);
    after.push(clock() - begin);
  }
  return { before: median(before), after: median(after) };
}

/** Returns the median of milliseconds in microseconds. */
function median(times: readonly number[]): number {
  return percentile(times.toSorted(ascending), 0.5) * 1_000;
}

const LABELS: Readonly<Record<keyof TripSteps, string>> = {
  send: "pool: queue, choose a worker, encode",
  toWorker: "system: write, wake the worker, read",
  begin: "worker: decode, check, prepare",
  run: "worker: run, encode the result",
  toPool: "system: write, wake the pool, read",
  settle: "pool: decode, check, settle the promise",
  total: "round trip",
};

function print(label: string, time: number): void {
  console.log(`${label.padEnd(46)} ${time.toFixed(1).padStart(8)} µs`);
}

if (import.meta.main) {
  const beside = await stepsBesideMap(TRIPS_BESIDE);
  const steps = await tripSteps(Number(Deno.args[0] ?? TRIPS));
  for (const [step, label] of Object.entries(LABELS)) {
    print(label, steps[step as keyof TripSteps]);
  }
  print("beside a map: until the task begins", beside.before);
  print("beside a map: until the caller goes on", beside.after);
}
