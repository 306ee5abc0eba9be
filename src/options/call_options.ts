/**
 * The options of calls, which {@linkcode TaskRunner.with} takes. They apply to
 * maps too.
 *
 * @example Usage
 * ```ts
 * import { type CallOptions, Pool } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const options: CallOptions = { timeout: 100, retries: 2 };
 * await using pool = new Pool(1);
 * const impatient = pool.with(options);
 * const never = () => new Promise<void>(() => {});
 * await assertRejects(() => impatient.run(never), DOMException, "100 ms");
 * ```
 */
export interface CallOptions {
  /**
   * The host where tasks must run: `"local"`, or the name of one of the pool's
   * hosts. If it is left out, they run on any.
   */
  readonly host?: string;
  /**
   * How long a call may take, in milliseconds from when it is made. For a map,
   * it is the time of the whole map.
   *
   * @default {undefined}
   */
  readonly timeout?: number;
  /**
   * Cancels calls when it is aborted. They are then rejected with its reason.
   *
   * @default {undefined}
   */
  readonly signal?: AbortSignal;
  /**
   * How often a task that may have begun is run again if its worker is lost.
   * If it is left out, the pool's `retries` applies. It doesn't apply to
   * `runOnAll`, which calls each worker once.
   */
  readonly retries?: number;
}
