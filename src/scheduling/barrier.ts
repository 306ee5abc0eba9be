import type { CallObserver } from "../calls/call.ts";
import type { PromisedCall } from "../calls/promised_call.ts";

/**
 * A call on every worker at the same time, between the calls submitted before
 * it and those submitted later: a run of `runOnAll()`.
 */
export class Barrier {
  /** What the calls return, or why they can't be made. */
  readonly results: Promise<unknown[]>;
  readonly #settle: PromiseWithResolvers<unknown[]>;
  readonly #observer: CallObserver;

  /**
   * Constructs a barrier that waits.
   *
   * @param makeCall Makes the call for one worker.
   * @param host The host of the workers; `undefined` for all workers.
   * @param observer Counts the barrier as a pending call.
   */
  constructor(
    readonly makeCall: () => PromisedCall<unknown>,
    readonly host: string | undefined,
    observer: CallObserver,
  ) {
    this.#settle = Promise.withResolvers();
    this.results = this.#settle.promise;
    this.#observer = observer;
    observer.moved(this, undefined, "queued");
  }

  /**
   * Begins, with a call for each worker.
   *
   * @returns A promise resolved when all of them are settled.
   */
  async begin(calls: readonly PromisedCall<unknown>[]): Promise<void> {
    const promises = calls.map(({ promise }) => promise);
    this.#settle.resolve(Promise.all(promises));
    await Promise.allSettled(promises);
  }

  /** Ends, after it has begun or when it was withdrawn. */
  end(): void {
    this.#observer.moved(this, "queued", "settled");
  }

  /** Ends with a reason, before it has begun. */
  fail(reason: unknown): void {
    this.#settle.reject(reason);
    this.end();
  }
}
