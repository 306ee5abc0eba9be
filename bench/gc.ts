/**
 * Measures garbage and its collection in the process of a pool and in a worker.
 * Run as a program, with the end to trace and an amount of work, this module
 * does that work; V8 then prints each collection to its stdout.
 *
 * Each end is traced in a run of its own, because V8's lines and those that a
 * program writes may break into each other.
 *
 * @module
 */

import { Pool } from "../mod.ts";
import {
  type Effort,
  inLoops,
  type Row,
  row,
  Samples,
  scaled,
  type Section,
} from "./measure.ts";
import { countByLoop, increment, integers } from "./throughput.ts";

/** The most repetitions: the bytes hardly differ from one to the other. */
const REPETITIONS = 3;

/** The calls that one repetition makes of each kind. */
const CALLS = 200_000;

/** The calls that it makes one at a time. */
const SINGLE_CALLS = 20_000;

/** The items of chunks that one repetition maps. */
const ITEMS = 2_000_000;

/** How many calls are made at once. */
const BATCH = 10_000;

/** The number of loops that each await one call after the other. */
const LOOPS = 256;

const CHUNK_SIZE = 1_000;

const ENDS = ["pool", "worker"] as const;

type End = typeof ENDS[number];

const TRACE_FLAGS = "--v8-flags=--expose-gc,--trace-gc-nvp";

/** Work that is done between two collections on request. */
interface Work {
  readonly name: string;
  /** How many calls or items it is for. */
  readonly count: (effort: Effort) => number;
  readonly run: (pool: Pool, count: number) => Promise<unknown>;
}

const WORKS: readonly Work[] = [
  { name: "map", count: (effort) => scaled(CALLS, effort), run: mapSingly },
  {
    name: `chunk-${CHUNK_SIZE}`,
    count: (effort) => scaled(ITEMS, effort),
    run: mapChunks,
  },
  { name: "run-all", count: (effort) => scaled(CALLS, effort), run: runAll },
  {
    name: "run-loops",
    count: (effort) => scaled(CALLS, effort),
    run: (pool, count) => inLoops(LOOPS, count, (x) => pool.run(increment, x)),
  },
  {
    name: "run-one",
    count: (effort) => scaled(SINGLE_CALLS, effort),
    run: (pool, count) => inLoops(1, count, (x) => pool.run(increment, x)),
  },
];

/** The figures, with the name and the unit of their rows. */
const FIGURES = [
  { name: "gc-time", unit: "ms/M" },
  { name: "gc-share", unit: "%" },
  { name: "gc-bytes", unit: "B" },
] as const;

/** Measures garbage and its collection per call, or per item of a chunk. */
export const gc: Section = {
  title: "Garbage collection, 1 worker",
  names: FIGURES.flatMap(({ name }) =>
    WORKS.flatMap((work) => ENDS.map((end) => `${name}/${work.name}/${end}`))
  ),
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  const values = new Samples();
  const repetitions = Math.min(effort.repetitions, REPETITIONS);
  for (let turn = 0; turn < repetitions; turn++) {
    for (const end of ENDS) {
      const collections = await traceChild(end, effort);
      for (const [index, work] of WORKS.entries()) {
        const { milliseconds, pauses, bytes } = between(collections, index);
        const count = work.count(effort);
        const add = (name: string, value: number) =>
          values.add(`${name}/${work.name}/${end}`, value);
        add("gc-time", pauses * 1e6 / count);
        add("gc-share", pauses / milliseconds * 100);
        add("gc-bytes", bytes / count);
      }
    }
  }
  const units = new Map(
    FIGURES.map(({ name, unit }) => [name as string, unit]),
  );
  return gc.names.filter((name) => wanted.has(name)).map((name) =>
    row(name, units.get(name.split("/")[0]!)!, values.of(name))
  );
}

/** A collection that V8 has reported. */
export interface Collection {
  /** When it ended, in milliseconds since the process started. */
  readonly time: number;
  /** How long it stopped the program, in milliseconds. */
  readonly pause: number;
  /** The bytes that were allocated since the last one. */
  readonly allocated: number;
  /** Whether the program has asked for it. */
  readonly isRequested: boolean;
}

/** Reads the collections in the output of `--trace-gc-nvp`. */
export function parseCollections(output: string): Collection[] {
  const collections: Collection[] = [];
  for (const line of output.split("\n")) {
    const [, time, fields] = /(\d+) ms: GC: (\{.*\})/.exec(line) ?? [];
    if (fields === undefined) continue;
    const { pause, allocated, reason } = JSON.parse(fields);
    const isRequested = reason === "testing";
    collections.push({ time: Number(time), pause, allocated, isRequested });
  }
  return collections;
}

/**
 * Sums up the collections between two requested ones. The memory that is
 * allocated before the second of them counts too.
 */
export function between(
  collections: readonly Collection[],
  index: number,
): { milliseconds: number; pauses: number; bytes: number } {
  const marks = collections.flatMap(({ isRequested }, at) =>
    isRequested ? [at] : []
  );
  const first = marks[index];
  const last = marks[index + 1];
  if (first === undefined || last === undefined) {
    throw new Error(`V8 reported ${marks.length} of the requested collections`);
  }
  const inside = collections.slice(first + 1, last);
  const bytes = collections.slice(first + 1, last + 1)
    .reduce((sum, { allocated }) => sum + allocated, 0);
  return {
    milliseconds: collections[last]!.time - collections[first]!.time,
    pauses: inside.reduce((sum, { pause }) => sum + pause, 0),
    bytes,
  };
}

async function traceChild(end: End, effort: Effort): Promise<Collection[]> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet"],
      ...(end === "pool" ? [TRACE_FLAGS] : []),
      ...[import.meta.url, end, JSON.stringify(effort)],
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`The work ended with exit code ${code}`);
  return parseCollections(new TextDecoder().decode(stdout));
}

/** Does all work: once to warm up, then between requested collections. */
async function doWork(end: End, effort: Effort): Promise<void> {
  await using pool = new Pool({
    workers: 1,
    denoArgs: end === "worker" ? [TRACE_FLAGS] : [],
  });
  for (const work of WORKS) await work.run(pool, work.count(effort));
  await collect(end, pool);
  for (const work of WORKS) {
    await work.run(pool, work.count(effort));
    await collect(end, pool);
  }
}

async function collect(end: End, pool: Pool): Promise<void> {
  if (end === "pool") collectGarbage();
  else await pool.runOnAll(collectGarbage);
}

/**
 * Asks V8 for a full collection, with `--expose-gc`. After one of young objects
 * only, a work might pay for the old ones of the work before.
 */
function collectGarbage(): void {
  const { gc } = globalThis as unknown as { gc(options: object): void };
  gc({ type: "major" });
}

async function mapSingly(pool: Pool, count: number): Promise<void> {
  await countByLoop(pool.map(increment, integers(count), { chunkSize: 1 }));
}

async function mapChunks(pool: Pool, count: number): Promise<void> {
  const options = { chunkSize: CHUNK_SIZE };
  await countByLoop(pool.map(increment, integers(count), options));
}

async function runAll(pool: Pool, count: number): Promise<void> {
  for (let done = 0; done < count; done += BATCH) {
    const length = Math.min(BATCH, count - done);
    await Promise.all(
      Array.from({ length }, (_, x) => pool.run(increment, x)),
    );
  }
}

if (import.meta.main) {
  const [end, effort] = Deno.args as [End, string];
  await doWork(end, JSON.parse(effort));
}
