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
   * hosts. By default, they run on any host.
   */
  readonly host?: string;
  /**
   * How long a call may take, in milliseconds from when it is made. For a map,
   * the limit applies to the whole map, from the request for its first result.
   *
   * @default {undefined}
   */
  readonly timeout?: number;
  /**
   * Cancels calls when it is aborted. They are rejected with its reason.
   *
   * @default {undefined}
   */
  readonly signal?: AbortSignal;
  /**
   * How many times a task that may have begun runs again if its worker is
   * lost. The default is the pool's `retries`. `runOnAll` ignores it, because
   * it calls each worker once.
   */
  readonly retries?: number;
}
