import type { PromisedCall } from "./promised_call.ts";

/** Makes the future of a call. */
export let makeFuture: <Result>(call: PromisedCall<Result>) => Future<Result>;

/**
 * The outcome of a task that was submitted: a promise that also answers what
 * a future of PEP 3148 does.
 *
 * A future that nobody awaits keeps what its task threw to itself.
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
  /** What the future is called by `Object.prototype.toString`. */
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
   * Cancels the task: the future is rejected with a `DOMException` named
   * `"AbortError"`. Other than PEP 3148 has it, that goes for a task that is
   * under way too: its signal is aborted, and if it doesn't end soon and no
   * other task is in its way, its worker is ended and replaced.
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
   * @returns Whether the task is cancelled, and wasn't done already.
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
   * Tells whether the task was cancelled.
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
   * @returns Whether it was.
   */
  cancelled(): boolean {
    return this.#cancelled;
  }

  /**
   * Tells whether the task is with a worker, running or waiting there.
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
   * @returns Whether it is.
   */
  running(): boolean {
    return this.#call.state === "sent";
  }

  /**
   * Tells whether the task has returned, has thrown, or was cancelled.
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
   * @returns Whether one of these is so.
   */
  done(): boolean {
    const { state } = this.#call;
    return state === "settled" || state === "abandoned";
  }

  /** As of any promise. */
  then<Fulfilled = Result, Rejected = never>(
    onFulfilled?:
      | ((value: Result) => Fulfilled | PromiseLike<Fulfilled>)
      | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#call.promise.then(onFulfilled, onRejected);
  }

  /** As of any promise. */
  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Result | Rejected> {
    return this.#call.promise.catch(onRejected);
  }

  /** As of any promise. */
  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.#call.promise.finally(onFinally);
  }
}
