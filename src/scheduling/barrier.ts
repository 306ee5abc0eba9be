import type { CallObserver } from "../calls/call_state.ts";
import type { Placement } from "../calls/placement.ts";
import type { PromisedCall } from "../calls/promised_call.ts";

/**
 * One `runOnAll()`: a call on every worker. It begins after all earlier calls
 * have ended, and later calls wait for it.
 */
export class Barrier {
  /** The results of the calls, or the reason why they can't run. */
  readonly results: Promise<unknown[]>;
  readonly #settle: PromiseWithResolvers<unknown[]>;
  readonly #observer: CallObserver;

  /**
   * Constructs a barrier that hasn't begun.
   *
   * @param makeCall Creates the call for one worker.
   * @param placement Which workers get a call; `undefined` for all of them.
   * @param observer Counts the barrier as a pending call.
   * @param task The name of the calls' task.
   */
  constructor(
    readonly makeCall: () => PromisedCall<unknown>,
    readonly placement: Placement | undefined,
    observer: CallObserver,
    readonly task?: string,
  ) {
    this.#settle = Promise.withResolvers();
    this.results = this.#settle.promise;
    this.#observer = observer;
    observer.moved(this, undefined, "queued");
  }

  /**
   * Begins the barrier, with a call for each worker.
   *
   * @returns A promise that resolves when all calls are settled.
   */
  async begin(calls: readonly PromisedCall<unknown>[]): Promise<void> {
    const promises = calls.map(({ promise }) => promise);
    this.#settle.resolve(Promise.all(promises));
    await Promise.allSettled(promises);
  }

  /** Ends the barrier: its calls have ended, or it was withdrawn. */
  end(): void {
    this.#observer.moved(this, "queued", "settled");
  }

  /** Rejects the results of a barrier that hasn't begun, and ends it. */
  fail(reason: unknown): void {
    this.#settle.reject(reason);
    this.end();
  }
}
