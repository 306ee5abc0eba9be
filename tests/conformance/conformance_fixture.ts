/**
 * Code that the conformance tests share.
 *
 * @module
 */

import { importTasks, type Pool, type PoolOptions } from "../../mod.ts";

export const tasks = importTasks<typeof import("../helpers/tasks.ts")>(
  import.meta.resolve("../helpers/tasks.ts"),
);

export const streamTasks = importTasks<
  typeof import("../helpers/stream_tasks.ts")
>(import.meta.resolve("../helpers/stream_tasks.ts"));

const REPETITIONS = 100;
export const XS = Array.from({ length: REPETITIONS }, (_, index) => index);
export const YS = XS.map((x) => x * x);
export const ZS = XS.map((x) => x * 2);
export const XYZ = XS.map((x): [number, number, number] => [x, YS[x]!, ZS[x]!]);

export const double = (x: number) => x * 2;
export const combine = (x: number, y: number, z: number) => x * y - 4 * z;
export const COMBINED = XYZ.map((xyz) => combine(...xyz));

/** Yields each value in another turn of the event loop. */
export async function* later<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    yield value;
  }
}

export function* naturals(): Generator<number> {
  for (let n = 0;; n++) yield n;
}

/** Returns the process ids of a pool's workers. */
export async function pids(pool: Pool): Promise<number[]> {
  return (await pool.runOnAll(() => Deno.pid)).sort();
}

/** Returns the marks that tasks have left since the last time. */
export async function marks(pool: Pool): Promise<string[]> {
  return (await pool.runOnAll(streamTasks.takeMarks)).flat();
}

/** Reads values until their source fails, and returns the values before. */
export async function readUntilError(
  source: AsyncIterable<unknown>,
): Promise<{ values: unknown[]; error: unknown }> {
  const values: unknown[] = [];
  try {
    for await (const value of source) values.push(value);
  } catch (error) {
    return { values, error };
  }
  throw new Error(`The source ended after ${values.length} values`);
}

/**
 * What a test needs besides a pool: workers that end while the program goes on,
 * or several workers.
 */
export type Need = "processes" | "several workers";

export type Test = (
  name: string,
  body: (pool: Pool) => Promise<void>,
  need?: Need,
) => void;
export type TestWith = (
  name: string,
  extra: PoolOptions,
  body: (pool: Pool) => Promise<void>,
  need?: Need,
) => void;
