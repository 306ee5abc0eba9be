import type { CallKind } from "./call_kind.ts";
import type { CallerTrace } from "./caller_trace.ts";
import { ObservedPromise } from "./observed_promise.ts";
import { PromisedCall } from "./promised_call.ts";

/** One of the calls of `runOnAll()`, whose results the caller awaits together. */
export class BarrierCall extends PromisedCall<unknown> {
  readonly #results: () => Promise<unknown[]>;

  /**
   * Constructs a call.
   *
   * @param results Returns the promise of the results of all the calls.
   */
  constructor(
    kind: CallKind,
    payload: readonly unknown[],
    trace: CallerTrace,
    results: () => Promise<unknown[]>,
  ) {
    super(kind, payload, trace, false);
    this.#results = results;
  }

  override get isAwaited(): boolean {
    const results = this.#results();
    return !(results instanceof ObservedPromise) || results.isAttached;
  }

  override whenAwaited(callback: () => void): void {
    const results = this.#results();
    if (results instanceof ObservedPromise) results.whenAttached(callback);
  }

  override ignoreFailure(): void {
    const results = this.#results();
    if (results instanceof ObservedPromise) results.ignoreRejection();
  }
}
