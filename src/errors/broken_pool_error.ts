/**
 * Thrown by calls that the pool can't run: its workers didn't start, its
 * initializer failed, or no worker is left in the pool or on the host where the
 * call must run. `cause` is the reason.
 *
 * @example Usage
 * ```ts
 * import { BrokenPoolError, Pool } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const initializer = () => {
 *   throw new Error("The database is closed");
 * };
 * await using pool = new Pool({ workers: 1, initializer });
 * await assertRejects(() => pool.run(() => 1), BrokenPoolError, "is closed");
 * ```
 */
export class BrokenPoolError extends Error {
  /** Constructs the error. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BrokenPoolError";
  }
}
