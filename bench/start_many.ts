/**
 * Measures the start of many workers, beside what as many empty programs cost.
 *
 * @module
 */

import { Pool } from "../mod.ts";
import {
  type Effort,
  QUICK,
  type Row,
  row,
  Samples,
  seconds,
  type Section,
  spread,
} from "./measure.ts";
import { storeBundle } from "./store_bundle.ts";

const WORKERS = 200;

/** The number of workers that shows whether the measurement works. */
const QUICK_WORKERS = 8;

const REPETITIONS = 3;

const READY = "start-many/ready";
const COST = "start-many/cost";
const LIMIT = "start-many/limit";
const EMPTY = "start-many/empty";
const WORKER = "start-many/worker";
const OWN = "start-many/pool";
const MEMORY = "memory/worker";

/** Measures the start of a pool with 200 workers, and its parts. */
export const startMany: Section = {
  title: `Start of ${WORKERS} workers, and its parts for each of them`,
  // Other systems don't report what a process has cost.
  names: Deno.build.os === "linux"
    ? [READY, COST, LIMIT, WORKER, OWN, EMPTY, MEMORY]
    : [],
  run,
};

/** What a start has cost. */
interface Start {
  /** The time until the pool was ready, in milliseconds. */
  readonly ready: number;
  /** The processor time of each worker, in milliseconds. */
  readonly worker: number;
  /** The processor time of the pool for each worker, in milliseconds. */
  readonly own: number;
  /** The memory of each worker, with its part of shared memory, in megabytes. */
  readonly memory: number;
}

async function run(
  _wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const workers = effort === QUICK ? QUICK_WORKERS : WORKERS;
  await storeBundle();
  const values = new Samples();
  const toCost: number[] = [];
  const toLimit: number[] = [];
  for (let turn = 0; turn < REPETITIONS; turn++) {
    const before = await startEmpty(workers);
    const { ready, worker, own, memory } = await startPool(workers);
    const empty = (before + await startEmpty(workers)) / 2;
    const limit = empty * workers / navigator.hardwareConcurrency;
    const cost = worker * workers / navigator.hardwareConcurrency;
    values.add(READY, ready);
    values.add(COST, cost);
    values.add(LIMIT, limit);
    values.add(EMPTY, empty);
    values.add(WORKER, worker);
    values.add(OWN, own);
    values.add(MEMORY, memory);
    toCost.push(ready / cost);
    toLimit.push(ready / limit);
  }
  return startMany.names.map((name) => ({
    ...row(name, name === MEMORY ? "MB" : "ms", values.of(name)),
    ratios: name === READY
      ? { [COST]: spread(toCost), [LIMIT]: spread(toLimit) }
      : {},
  }));
}

async function startPool(workers: number): Promise<Start> {
  const before = processorTime("self");
  let pool: Pool | undefined;
  try {
    const ready = await seconds(async () => {
      pool = new Pool(workers);
      await pool.ready;
    });
    const own = processorTime("self") - before;
    const children = [...childrenOf(Deno.pid)];
    const worker = sum(children.map(processorTime));
    const memory = sum(children.map(memoryOf));
    return {
      ready: ready * 1_000,
      worker: worker / workers,
      own: own / workers,
      memory: memory / workers,
    };
  } finally {
    await pool?.shutdown();
  }
}

/**
 * Runs empty programs, twice as many at the same time as there are CPUs.
 *
 * @returns The processor time of each, in milliseconds.
 */
async function startEmpty(programs: number): Promise<number> {
  const args = ["run", "--quiet", "--no-config", "data:text/javascript,"];
  const command = new Deno.Command(Deno.execPath(), {
    args,
    stdin: "null",
    stdout: "null",
  });
  const before = endedChildrenTime();
  let left = programs;
  const runInTurn = async () => {
    while (left-- > 0) {
      const { success } = await command.output();
      if (!success) throw new Error("An empty program has failed");
    }
  };
  const turns = 2 * navigator.hardwareConcurrency;
  await Promise.all(Array.from({ length: turns }, runInTurn));
  return (endedChildrenTime() - before) / programs;
}

/** The processor time of a process so far, in milliseconds. */
function processorTime(pid: number | "self"): number {
  let nanoseconds = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`);
    nanoseconds += Number(text.split(" ")[0]);
  }
  return nanoseconds / 1e6;
}

/** The processor time of all children that have ended, in milliseconds. */
function endedChildrenTime(): number {
  const fields = statOf("self");
  return (Number(fields[13]) + Number(fields[14])) * TICK;
}

/** The unit of times in `/proc/…/stat`, in milliseconds. */
const TICK = 10;

/** The fields after the name of a process, see proc_pid_stat(5). */
function statOf(pid: number | "self"): string[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** The processes that run Deno and that a process has started. */
function* childrenOf(parent: number): Generator<number> {
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (Number.isInteger(pid) && isChild(pid, parent)) yield pid;
  }
}

function isChild(pid: number, parent: number): boolean {
  try {
    return Number(statOf(pid)[1]) === parent &&
      Deno.readTextFileSync(`/proc/${pid}/comm`) === "deno\n";
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

function memoryOf(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const [, kilobytes] = text.match(/^Pss:\s+(\d+) kB$/m) ?? [];
  return Number(kilobytes) * 1_024 / 1e6;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
