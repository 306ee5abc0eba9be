/**
 * Thrown by a call to a pool in which {@linkcode LimitOptions.maxQueue} calls
 * wait for a worker.
 *
 * @example Usage
 * ```ts
 * import { Pool, QueueFullError } from "@distex/pool";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using pool = new Pool({ workers: 1, prefetch: 0, maxQueue: 1 });
 * await pool.ready;
 * const accepted = [pool.run(() => "runs"), pool.run(() => "waits")];
 * const error = await assertRejects(() => pool.run(() => 1), QueueFullError);
 * assertEquals(error.maxQueue, 1);
 * assertEquals(await Promise.all(accepted), ["runs", "waits"]);
 * ```
 */
export class QueueFullError extends Error {
  /**
   * Constructs the error.
   *
   * @param maxQueue How many calls may wait.
   */
  constructor(readonly maxQueue: number) {
    super(
      `The pool's queue is full: 'maxQueue' is ${maxQueue}, and as many calls wait for a worker. Await pool.hasRoom() before a call, or raise 'maxQueue'`,
    );
    this.name = "QueueFullError";
  }
}
