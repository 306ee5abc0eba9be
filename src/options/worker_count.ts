import {
  checkInteger,
  checkMilliseconds,
  checkNames,
  wrongType,
  wrongValue,
} from "./option_checks.ts";

/**
 * How many workers a host has: a number, or a range within which the pool
 * starts and ends workers as they are needed.
 */
export type WorkerCount = number | WorkerRange;

/**
 * A number of workers that changes with the work.
 *
 * The host gets more workers if the calls that wait would take its workers
 * longer than another one takes to start. Workers that have had nothing to do
 * for a while end.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool({ workers: { min: 0, max: 4, idle: 10_000 } });
 * await pool.ready;
 * assertEquals(pool.totalWorkers, 0);
 * assertEquals(await pool.run(() => "done"), "done");
 * assertEquals(pool.totalWorkers, 1);
 * ```
 */
export interface WorkerRange {
  /**
   * How many workers there are at least, whether or not there is work. May be
   * 0.
   *
   * @default {0}
   */
  readonly min?: number;
  /**
   * How many workers there may be. The default is one per CPU of the machine.
   */
  readonly max?: number;
  /**
   * How long a worker beyond `min` may have nothing to do before it ends, in
   * milliseconds.
   *
   * @default {60_000}
   */
  readonly idle?: number;
}

/** How a number of workers changes. */
export interface ScalingSettings {
  /** See {@linkcode WorkerRange.min}. */
  readonly min: number;
  /** See {@linkcode WorkerRange.idle}. */
  readonly idle: number;
}

/** A number of workers, checked. */
export interface WorkerCountSettings {
  /** How many workers there are, or may be. */
  readonly workers: number;
  /** How the number changes, if it does. */
  readonly scaling?: ScalingSettings;
}

/** Returns how many workers there may be, as far as it is given. */
export function mostWorkers(
  count: WorkerCount | undefined,
): number | undefined {
  return typeof count === "object" && count !== null ? count.max : count;
}

/**
 * Checks a number of workers and fills in the defaults.
 *
 * @param fallback How many workers there may be if the range has no `max`; 0
 * means one per CPU of a machine that isn't known yet.
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function workerCount(
  count: WorkerCount,
  fallback: number,
): WorkerCountSettings {
  if (typeof count !== "object" || count === null) {
    checkInteger("workers", count, 0);
    return { workers: count };
  }
  if (Array.isArray(count)) {
    throw wrongType("workers", count, "an integer or an object");
  }
  const { min = 0, max = fallback, idle = 60_000 } = count;
  checkNames("'workers'", count, { min, max, idle });
  checkInteger("workers.min", min, 0);
  if (max !== 0 || fallback !== 0) checkInteger("workers.max", max, 1);
  checkMilliseconds("workers.idle", idle);
  if (max > 0 && min > max) {
    throw wrongValue("workers.min", min, `at most 'workers.max', ${max}`);
  }
  return { workers: max, scaling: { min, idle } };
}
