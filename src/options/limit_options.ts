/**
 * How much a pool does at once and how long it waits: the part of
 * {@linkcode PoolOptions} that sets limits.
 *
 * @example Usage
 * ```ts
 * import { type LimitOptions, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const limits: LimitOptions = { concurrency: 8, cancelGrace: 500 };
 * await using pool = new Pool({ workers: 1, ...limits });
 * assertEquals(await pool.run((x: number) => x + 1, 1), 2);
 * ```
 */
export interface LimitOptions {
  /**
   * How many async tasks a worker runs at the same time. Sync tasks always run
   * one after the other. Tasks that wait for the reader of their stream, or for
   * a stream among their arguments, don't count.
   *
   * @default {1}
   */
  readonly concurrency?: number;
  /**
   * How many calls wait at a worker in addition to those it runs. With 0, none
   * wait. Waiting calls keep a worker busy while results travel. `"auto"`
   * measures how long tasks take and keeps about 4 ms of work at each worker.
   *
   * @default {"auto"}
   */
  readonly prefetch?: number | "auto";
  /**
   * How many calls of `run`, `submit` and `stream` may wait for a worker. A
   * further call is rejected with a {@linkcode QueueFullError}, unless a worker
   * can take it at once: `pool.hasRoom()` waits until there is room. Calls that
   * were sent to a worker don't count, even if they wait there; see `prefetch`.
   * Neither do maps, which take only as many items as workers have room for, and
   * `runOnAll`.
   *
   * @default {Infinity}
   */
  readonly maxQueue?: number;
  /**
   * How long all workers may take to connect, in milliseconds.
   *
   * @default {60_000}
   */
  readonly startTimeout?: number;
  /**
   * How long a task that was cancelled or timed out may continue before its
   * worker is killed and replaced, in milliseconds.
   *
   * @default {1_000}
   */
  readonly cancelGrace?: number;
  /**
   * How much memory each worker may use: a number of bytes, or a text such as
   * `"512M"` or `"1.5GiB"`. What counts is its resident memory, with about 60 MB
   * that Deno itself uses. A worker that exceeds it, which is checked about
   * every 50 ms, is killed and replaced; the calls that it ran are rejected with
   * an {@linkcode OutOfMemoryError}, or run again if they have `retries` left.
   * On Windows, only V8's heap is limited.
   *
   * @default {Infinity}
   */
  readonly maxMemory?: number | string;
  /**
   * How many tasks a worker runs before it is replaced: calls, and the items of
   * maps. This frees what tasks leave behind. The next worker starts in time and
   * runs the initializer, which doesn't count, before the present one ends.
   *
   * @default {Infinity}
   */
  readonly maxTasksPerWorker?: number;
}
