import { Call } from "./call.ts";
import type { CallKind } from "./call_kind.ts";
import { type CallerTrace, rejectWithAwaiters } from "./caller_trace.ts";
import { ObservedPromise } from "./observed_promise.ts";

/** A call that settles a promise with its outcome. */
export class PromisedCall<Result> extends Call {
  /** The promise of the call's outcome. */
  readonly promise: Promise<Result>;
  // `Result` as the parameter type would make the class invariant in it.
  #resolve!: (value: unknown) => void;
  readonly #trace: CallerTrace | undefined;

  /**
   * Constructs a call.
   *
   * @param isObserved Whether the call detects if somebody awaits it, which
   * slows down large batches.
   */
  constructor(
    kind: CallKind,
    payload: unknown,
    trace: CallerTrace | undefined,
    isObserved = true,
  ) {
    super(kind, payload);
    this.#trace = trace;
    // With two separate expressions, V8 can inline the common constructor.
    this.promise = isObserved
      ? new ObservedPromise<Result>((resolve) => {
        this.#resolve = resolve as (value: unknown) => void;
      })
      : new Promise<Result>((resolve) => {
        this.#resolve = resolve as (value: unknown) => void;
      });
  }

  /** Whether anything is attached to the promise; `true` if not observed. */
  override get isAwaited(): boolean {
    const { promise } = this;
    return !(promise instanceof ObservedPromise) || promise.isAttached;
  }

  override whenAwaited(callback: () => void): void {
    const { promise } = this;
    if (promise instanceof ObservedPromise) promise.whenAttached(callback);
  }

  override ignoreFailure(): void {
    const { promise } = this;
    if (promise instanceof ObservedPromise) promise.ignoreRejection();
    else promise.catch(() => {});
  }

  /** Calls `callback` just before the promise is settled. */
  whenSettled(callback: () => void): void {
    const resolve = this.#resolve;
    this.#resolve = (value) => {
      callback();
      resolve(value);
    };
  }

  /**
   * Abandons the call, and rejects its promise with `reason` unchanged.
   * ({@linkcode Call.cancel} adds the caller's frames to an error.)
   *
   * @returns Whether the call was pending.
   */
  abort(reason: unknown): boolean {
    if (!this.abandon()) return false;
    this.#resolve(new Rejection(reason));
    return true;
  }

  protected override resolved(value: unknown): void {
    this.#resolve(value);
  }

  protected override rejected(error: unknown): void {
    this.#resolve(
      this.#trace === undefined
        ? rejectWithAwaiters(error, this.task)
        : Promise.reject(this.#trace.addTo(error, this.task)),
    );
  }
}

/**
 * A thenable: a promise that is resolved with it rejects with a reason. Storing
 * the promise's `reject` function would slow down every call, and rejecting
 * promises that have no handlers yet becomes slower with each pending one.
 */
class Rejection {
  readonly #reason: unknown;

  constructor(reason: unknown) {
    this.#reason = reason;
  }

  then(_resolve: unknown, reject: (reason: unknown) => void): void {
    reject(this.#reason);
  }
}
