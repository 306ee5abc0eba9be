import type { CallObserver } from "../calls/call_state.ts";
import type { Placement } from "../calls/placement.ts";
import { ObservedPromise } from "../calls/observed_promise.ts";
import type { PromisedCall } from "../calls/promised_call.ts";

/**
 * One `runOnAll()`: a call on every worker. It begins after all earlier calls
 * have ended, and later calls wait for it.
 */
export class Barrier {
  /** The results of the calls, or the reason why they can't run. */
  readonly results: ObservedPromise<unknown[]>;
  readonly #settle = Promise.withResolvers<unknown[]>();
  readonly #observer: CallObserver;
  readonly #onEnd: (() => void) | undefined;

  /**
   * Constructs a barrier that hasn't begun.
   *
   * @param makeCall Creates the call for one worker.
   * @param placement Which workers get a call; `undefined` for all of them.
   * @param observer Counts the barrier as a pending call.
   * @param task The name of the calls' task.
   * @param onEnd Called when its calls have ended, or won't begin.
   */
  constructor(
    readonly makeCall: () => PromisedCall<unknown>,
    readonly placement: Placement | undefined,
    observer: CallObserver,
    readonly task?: string,
    onEnd?: () => void,
  ) {
    this.results = new ObservedPromise((resolve) =>
      resolve(this.#settle.promise)
    );
    this.#observer = observer;
    this.#onEnd = onEnd;
    observer.moved(this, undefined, "queued");
  }

  /** Whether anything is attached to the promise of its results. */
  get isAwaited(): boolean {
    return this.results.isAttached;
  }

  /** Calls `callback` once somebody awaits the results. */
  whenAwaited(callback: () => void): void {
    this.results.whenAttached(callback);
  }

  /** Prevents an unhandled rejection of the results, if nobody awaits them. */
  ignoreFailure(): void {
    this.results.ignoreRejection();
  }

  /**
   * Begins the barrier, with a call for each worker. From now on, these count as
   * pending in its place.
   *
   * @returns A promise that resolves when all calls are settled.
   */
  async begin(calls: readonly PromisedCall<unknown>[]): Promise<void> {
    const promises = calls.map(({ promise }) => promise);
    this.#settle.resolve(Promise.all(promises));
    this.#observer.moved(this, "queued", "settled");
    await Promise.allSettled(promises);
    this.#onEnd?.();
  }

  /** Rejects the results of a barrier that hasn't begun, and ends it. */
  fail(reason: unknown): void {
    this.#settle.reject(reason);
    this.#observer.moved(this, "queued", "settled");
    this.#onEnd?.();
  }
}
