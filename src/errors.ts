/**
 * Thrown by calls on a pool that was shut down, as PEP 3148 has it.
 *
 * @example Usage
 * ```ts
 * import { Pool, PoolClosedError } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const pool = new Pool(1);
 * await pool.shutdown();
 * await assertRejects(() => pool.run(() => 1), PoolClosedError);
 * ```
 *
 * @see {@link https://peps.python.org/pep-3148/}
 */
export class PoolClosedError extends Error {
  /** Constructs the error. */
  constructor(message = "The pool was shut down: make a new one") {
    super(message);
    this.name = "PoolClosedError";
  }
}

/**
 * Thrown by calls on a pool that can't work: its workers didn't start, its
 * initializer failed, or no worker is left. `cause` has the reason.
 */
export class BrokenPoolError extends Error {
  /** Constructs the error. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BrokenPoolError";
  }
}

/**
 * Thrown by a call whose worker ended before it returned. Whether the task
 * had an effect can't be known.
 */
export class WorkerLostError extends Error {
  /** Constructs the error. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "WorkerLostError";
  }
}
