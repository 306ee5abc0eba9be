import { Call, type CallTerms } from "./call.ts";
import { type CallerTrace, rejectWithAwaiters } from "./caller_trace.ts";
import { ObservedPromise } from "./observed_promise.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";

/** A call whose outcome settles a promise. */
export class PromisedCall<Result> extends Call {
  /** Settles as the call does. */
  readonly promise: Promise<Result>;
  // Takes `unknown`, as `Result` would make the type invariant.
  #resolve!: (value: unknown) => void;
  #onSettled: (() => void) | undefined;
  readonly #trace: CallerTrace | undefined;

  /**
   * Constructs a call of `task` with arguments.
   *
   * @param isObserved Whether it knows if somebody awaits it. Each call of a
   * large batch would feel what that costs.
   */
  constructor(
    task: RegisteredTask,
    args: readonly unknown[],
    trace: CallerTrace | undefined,
    terms?: CallTerms,
    isObserved = true,
  ) {
    super(task, args, undefined, terms);
    this.#trace = trace;
    // One expression for each, which lets V8 inline the common constructor.
    this.promise = isObserved
      ? new ObservedPromise<Result>((resolve) => {
        this.#resolve = resolve as (value: unknown) => void;
      })
      : new Promise<Result>((resolve) => {
        this.#resolve = resolve as (value: unknown) => void;
      });
  }

  /** Whether somebody has attached to its promise. */
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

  /** Calls `callback` once the call is settled or abandoned. */
  whenSettled(callback: () => void): void {
    this.#onSettled = callback;
  }

  /**
   * Abandons the call, and rejects its promise with exactly this reason, to
   * which {@linkcode Call.cancel} would add the caller's frames.
   *
   * @returns Whether the call was pending.
   */
  abort(reason: unknown): boolean {
    if (!this.abandon()) return false;
    this.#onSettled?.();
    this.#resolve(new Rejection(reason));
    return true;
  }

  protected override resolved(value: unknown): void {
    this.#onSettled?.();
    this.#resolve(value);
  }

  protected override rejected(error: unknown): void {
    this.#onSettled?.();
    this.#resolve(
      this.#trace === undefined
        ? rejectWithAwaiters(error, this.task)
        : Promise.reject(this.#trace.addTo(error, this.task)),
    );
  }
}

/**
 * Rejects the promise that is resolved with it. Keeping `reject` as well would
 * slow down every call, and a promise that is rejected before anyone has looked
 * at it costs the program time for each other such promise.
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
