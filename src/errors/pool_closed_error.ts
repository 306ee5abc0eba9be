/**
 * Thrown by calls to a pool that was shut down, as in PEP 3148.
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
