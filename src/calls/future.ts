import type { PromisedCall } from "./promised_call.ts";

/** Makes the future of a call. */
export let makeFuture: <Result>(call: PromisedCall<Result>) => Future<Result>;

/**
 * The outcome of a submitted task: a promise with the methods of a future of
 * PEP 3148. {@linkcode Pool.submit} makes it.
 *
 * If its task throws and nobody awaits it, the error is ignored, not uncaught.
 *
 * @example Usage
 * ```ts
 * import { Pool } from "@distex/pool";
 * import { assert, assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const future = pool.submit((a: number, b: number) => a + b, 3, 4);
 * assertEquals(await future, 7);
 * assert(future.done());
 * ```
 *
 * @typeParam Result What the task returns.
 * @see {@link https://peps.python.org/pep-3148/#future-objects}
 */
export class Future<Result> implements Promise<Result> {
  /** The name that `Object.prototype.toString` returns. */
  readonly [Symbol.toStringTag] = "Future";

  readonly #call: PromisedCall<Result>;
  #cancelled = false;

  static {
    makeFuture = (call) => new Future(call);
  }

  private constructor(call: PromisedCall<Result>) {
    this.#call = call;
    call.ignoreFailure();
  }

  /**
   * Cancels the task, and rejects the future with a `DOMException` named
   * `"AbortError"`. Unlike in PEP 3148, a running task can be cancelled too: its
   * signal is aborted, and if it doesn't end within `cancelGrace`, its worker is
   * killed and replaced as soon as no other task is in the way.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assert, assertRejects } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit(() => new Promise(() => {}));
   * assert(future.cancel());
   * await assertRejects(() => future, DOMException, "was cancelled");
   * ```
   *
   * @returns Whether the task is cancelled; `false` if it was done before.
   */
  cancel(): boolean {
    if (this.#cancelled) return true;
    const { name } = this.#call.task;
    this.#cancelled = this.#call.cancel(
      new DOMException(`The task '${name}' was cancelled`, "AbortError"),
    );
    return this.#cancelled;
  }

  /**
   * Checks whether the task was cancelled.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assert, assertFalse } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit(() => new Promise(() => {}));
   * assertFalse(future.cancelled());
   * future.cancel();
   * assert(future.cancelled());
   * ```
   *
   * @returns `true` if it was.
   */
  cancelled(): boolean {
    return this.#cancelled;
  }

  /**
   * Checks whether the task was sent to a worker and isn't done. It may still
   * wait there.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assert, assertFalse } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * await pool.ready;
   * const future = pool.submit(() => "done");
   * assertFalse(future.running());
   * await Promise.resolve();
   * assert(future.running());
   * await future;
   * assertFalse(future.running());
   * ```
   *
   * @returns `true` if it was sent and isn't done.
   */
  running(): boolean {
    return this.#call.state === "sent";
  }

  /**
   * Checks whether the task has returned, thrown or been cancelled.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assert, assertFalse } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit(() => "done");
   * assertFalse(future.done());
   * await future;
   * assert(future.done());
   * ```
   *
   * @returns `true` if it is done.
   */
  done(): boolean {
    const { state } = this.#call;
    return state === "settled" || state === "abandoned";
  }

  /** See `Promise.prototype.then`. */
  then<Fulfilled = Result, Rejected = never>(
    onFulfilled?:
      | ((value: Result) => Fulfilled | PromiseLike<Fulfilled>)
      | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#call.promise.then(onFulfilled, onRejected);
  }

  /** See `Promise.prototype.catch`. */
  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Result | Rejected> {
    return this.#call.promise.catch(onRejected);
  }

  /** See `Promise.prototype.finally`. */
  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.#call.promise.finally(onFinally);
  }
}
