/**
 * The options of {@linkcode Pool.shutdown}.
 *
 * @example Usage
 * ```ts
 * import { Pool, type ShutdownOptions } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const options: ShutdownOptions = { cancelFutures: true };
 * const pool = new Pool(1);
 * const future = pool.submit(() => "done");
 * await pool.shutdown(options);
 * await assertRejects(() => future, DOMException, "shut down");
 * ```
 */
export interface ShutdownOptions {
  /**
   * Whether the promise waits until the pool has ended. If not, it is resolved
   * at once and the pool ends in the background.
   *
   * @default {true}
   */
  readonly wait?: boolean;
  /**
   * Whether queued tasks are cancelled at once, and running tasks when
   * `cancelGrace` is over.
   *
   * @default {false}
   */
  readonly cancelFutures?: boolean;
}
