/**
 * What happens when workers and hosts fail: the part of
 * {@linkcode PoolOptions} about failures.
 *
 * @example Usage
 * ```ts
 * import { type FailureOptions, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const onFailure: FailureOptions = { retries: 2, maxRestarts: 100 };
 * await using pool = new Pool({ workers: 1, ...onFailure });
 * assertEquals(await pool.run((x: number) => x + 1, 1), 2);
 * ```
 */
export interface FailureOptions {
  /**
   * What happens if a host can't be used. With `"fail"` the pool doesn't
   * start. With `"continue"` it starts without the host, and reports that on
   * stderr and in {@linkcode Pool.stats}.
   *
   * @default {"fail"}
   */
  readonly onHostError?: "fail" | "continue";
  /**
   * How many times a task that may have begun runs again if its worker is
   * lost. The rerun has a worker to itself. Only you know whether it is safe
   * to run a task twice. A task that can't have begun always moves to another
   * worker, whatever this option is.
   *
   * @default {0}
   */
  readonly retries?: number;
  /**
   * How many lost workers the pool replaces per minute, for each worker of a
   * host. If a host loses more, the pool stops replacing its workers. May be
   * `Infinity`.
   *
   * @default {10}
   */
  readonly maxRestarts?: number;
  /**
   * How long another machine may send nothing before it counts as lost, in
   * milliseconds.
   *
   * @default {15_000}
   */
  readonly heartbeatTimeout?: number;
  /**
   * How long calls wait for a lost host to come back, in milliseconds. It
   * applies to calls for that host, and to all calls if no worker is left.
   *
   * @default {60_000}
   */
  readonly hostTimeout?: number;
  /**
   * After how long the pool warns on stderr if tasks wait and nothing has moved,
   * in milliseconds: no call was sent or answered, and no worker has joined. The
   * warning says what {@linkcode Pool.explain} returns, once until something
   * moves. With 0, there is none.
   *
   * @default {60_000}
   */
  readonly stallWarning?: number;
}
