import type { HostKind } from "../hosts/host.ts";
import type { PendingAgents } from "../hosts/managed_host.ts";

/**
 * What a pool is doing and has done; see {@linkcode Pool.stats}. A Jupyter
 * notebook displays it as a table.
 *
 * @example Usage
 * ```ts
 * import { Pool, type PoolStats } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const load = ({ queued, running }: PoolStats) => queued + running;
 * await using pool = new Pool(1);
 * const call = pool.run(() => "done");
 * assertEquals(load(pool.stats()), 1);
 * await call;
 * assertEquals(load(pool.stats()), 0);
 * ```
 */
export interface PoolStats {
  /** How many workers are connected. */
  readonly workers: number;
  /** Calls that wait for a worker. */
  readonly queued: number;
  /** Calls that run or wait at a worker, without those that wait for a reader. */
  readonly running: number;
  /** Tasks that have returned; each item of a map counts as one. */
  readonly done: number;
  /** Tasks that have thrown. */
  readonly failed: number;
  /**
   * The same for each host, in the order in which they were added. The sums
   * include what hosts did that were removed since.
   */
  readonly hosts: readonly HostStats[];
}

/** What the workers of one host are doing and have done so far. */
export interface HostStats {
  /** The name of the host; `"local"` is this machine. */
  readonly name: string;
  /** The kind of host. */
  readonly kind: HostKind;
  /** How many workers are connected. */
  readonly workers: number;
  /** Calls that run or wait at its workers. */
  readonly running: number;
  /** Tasks that have returned there. */
  readonly done: number;
  /** Tasks that have thrown there. */
  readonly failed: number;
  /** How long its workers were busy, in milliseconds. */
  readonly busy: number;
  /**
   * How many of its workers were lost, including those that the pool killed
   * because a task took too long.
   */
  readonly lost: number;
  /** The jobs that wait in the host's queue, and why; `undefined` if none. */
  readonly pending: PendingAgents | undefined;
  /** The reason if the host isn't in use, otherwise `undefined`. */
  readonly error: Error | undefined;
}
