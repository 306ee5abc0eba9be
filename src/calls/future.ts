import type { CallPort } from "../options/call_options.ts";
import {
  checkNames,
  checkObject,
  wrongType,
} from "../options/option_checks.ts";
import { renamedMembers } from "../util/renamed_members.ts";
import { withinLimit } from "../util/within_limit.ts";
import { checkTimeLimit } from "./check_time_limit.ts";
import type { PromisedCall } from "./promised_call.ts";

/** Creates the future of a call. */
export let makeFuture: <Result>(call: PromisedCall<Result>) => Future<Result>;

/** Returns the call of a future. */
export let callOf: (future: Future<unknown>) => PromisedCall<unknown>;

/**
 * Calls a function when a future is done, unless the function that this returns
 * is called before. Unlike with `then()`, nothing remains then: programs wait for
 * the same future again and again.
 */
export let whenDone: (
  future: Future<unknown>,
  callback: (hasThrown: boolean) => void,
) => () => void;

/**
 * How long to wait for a future.
 *
 * @example Usage
 * ```ts
 * import { type FutureWait, Pool } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const endless = pool.submit(() => new Promise<void>(() => {}));
 * const options: FutureWait = { timeout: 100 };
 * await assertRejects(() => endless.result(options), DOMException, "100 ms");
 * endless.cancel();
 * ```
 */
export interface FutureWait {
  /**
   * How long to wait, in milliseconds. The default is no limit.
   *
   * @default {undefined}
   */
  readonly timeout?: number;
}

/**
 * The outcome of a submitted task: a promise that also has the methods of a
 * PEP 3148 future. {@linkcode Pool.submit} returns it.
 *
 * If the task throws and nobody awaits the future, the error is ignored.
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
  /** The tag that `Object.prototype.toString()` uses. */
  readonly [Symbol.toStringTag] = "Future";

  readonly #call: PromisedCall<Result>;
  #cancelled = false;
  /** What to call when it is done, if anybody has waited for that. */
  #waiters: Set<(hasThrown: boolean) => void> | undefined;

  static {
    makeFuture = (call) => new Future(call);
    callOf = (future) => future.#call;
    whenDone = (future, callback) => future.#whenDone(callback);
  }

  private constructor(call: PromisedCall<Result>) {
    this.#call = call;
    call.ignoreFailure();
  }

  /**
   * Cancels the task, and rejects the future with a `DOMException` named
   * `"AbortError"`. Unlike in PEP 3148, a running task can be cancelled too:
   * its signal is aborted, and if it doesn't end within `cancelGrace`, its
   * worker is killed and replaced. Other running tasks of that worker get up to
   * ten times `cancelGrace` to end before.
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
   * @returns `true` if this future was cancelled, now or before; `false` if the
   * task was already done.
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
   * Checks whether {@linkcode Future.cancel} cancelled the task.
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
   * @returns `true` if the task was cancelled.
   */
  cancelled(): boolean {
    return this.#cancelled;
  }

  /**
   * Checks whether the task was sent to a worker and isn't done. It may still
   * be waiting there.
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
   * @returns `true` if the task was sent and isn't done.
   */
  running(): boolean {
    const { state } = this.#call;
    return state === "sent" || state === "paused";
  }

  /**
   * Checks whether the task returned, threw, or was ended early.
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
   * @returns `true` if the task is done.
   */
  done(): boolean {
    const { state } = this.#call;
    return state === "settled" || state === "abandoned";
  }

  /**
   * Waits for the result. Without a time limit, this is the same as awaiting the
   * future. The limit ends only the wait, not the task.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit((x: number) => x * x, 5);
   * assertEquals(await future.result({ timeout: 60_000 }), 25);
   * ```
   *
   * @param options How long to wait.
   * @returns What the task returns.
   * @throws What the task throws, or a `DOMException` named `"TimeoutError"`.
   */
  async result(options: FutureWait = {}): Promise<Result> {
    const timeout = timeoutOf(options, "result()");
    if (timeout !== undefined) await this.#doneWithin(timeout);
    return await this.#call.promise;
  }

  /**
   * Waits until the task is done, and returns what it threw.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals, assertInstanceOf } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const good = pool.submit(() => "done");
   * const bad = pool.submit(() => {
   *   throw new RangeError("too far");
   * });
   * assertEquals(await good.exception(), undefined);
   * assertInstanceOf(await bad.exception(), RangeError);
   * ```
   *
   * @param options How long to wait.
   * @returns What the task threw; `undefined` if it returned.
   * @throws {DOMException} Named `"AbortError"` if the task was cancelled, or
   * `"TimeoutError"` if it isn't done in time.
   */
  async exception(options: FutureWait = {}): Promise<unknown> {
    const timeout = timeoutOf(options, "exception()");
    if (timeout !== undefined) await this.#doneWithin(timeout);
    return await this.#call.promise.then(() => undefined, (reason) => {
      if (this.#cancelled) throw reason;
      return reason;
    });
  }

  /**
   * Calls a function when the task is done: when it returned, threw, or was
   * cancelled. Several functions are called in the order in which they were
   * added, after the present job, like those of `then()`. What they throw is
   * logged and ignored.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(1);
   * const future = pool.submit(() => "done");
   * const called = new Promise((resolve) => future.addDoneCallback(resolve));
   * assertEquals(await called, await future);
   * ```
   *
   * @param callback The function, which gets this future.
   * @throws {TypeError} If `callback` isn't a function.
   */
  addDoneCallback(callback: (future: Future<Result>) => unknown): void {
    if (typeof callback !== "function") {
      throw wrongType("callback", callback, "a function");
    }
    const call = async () => {
      try {
        await callback(this);
      } catch (error) {
        const { name } = this.#call.task;
        console.error(`[distex] A callback of the task '${name}' threw`, error);
      }
    };
    this.#call.promise.then(call, call);
  }

  /**
   * Handles the messages that the task sends from its port, from now on. It
   * replaces an earlier listener and the option `onMessage`. Without a listener,
   * messages are dropped.
   *
   * @example Usage
   * ```ts
   * import { Pool, type TaskThis } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * async function count(this: TaskThis, n: number): Promise<void> {
   *   for (let x = 1; x <= n; x++) await this.port.postMessage(x);
   * }
   *
   * await using pool = new Pool(1);
   * const counted: unknown[] = [];
   * await pool.submit(count, 3).onMessage((x) => {
   *   counted.push(x);
   * });
   * assertEquals(counted, [1, 2, 3]);
   * ```
   *
   * @param listener Handles a message: see {@linkcode CallOptions.onMessage}.
   * @returns This future.
   */
  onMessage(listener: (message: unknown, port: CallPort) => unknown): this {
    this.#call.openMessages().listen(listener);
    return this;
  }

  /**
   * Sends a message to the task, which reads it from its port. Messages wait in
   * the program until the task opens its port.
   *
   * @example Usage
   * ```ts
   * import { Pool, type TaskThis } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * async function untilStopped(this: TaskThis): Promise<string> {
   *   const { value } = await this.port.next();
   *   return `got ${value}`;
   * }
   *
   * await using pool = new Pool(1);
   * const future = pool.submit(untilStopped);
   * await future.postMessage("stop");
   * assertEquals(await future, "got stop");
   * ```
   *
   * @param message The message, any value that can be sent.
   * @returns A promise that resolves when it was sent and there is room for
   * another message.
   * @throws {DOMException} Named `"QuotaExceededError"` if 1,024 messages wait,
   * `"DataCloneError"` if the message can't be sent, or `"InvalidStateError"` in
   * a getter of a value that is being sent.
   */
  postMessage(message: unknown): Promise<void> {
    return this.#call.openMessages().postMessage(message);
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

  /** Waits until the task is done, but not longer than a time limit. */
  async #doneWithin(timeout: number): Promise<void> {
    const done = Promise.withResolvers<void>();
    const unwatch = this.#whenDone(() => done.resolve());
    try {
      await withinLimit(done.promise, timeout);
    } finally {
      unwatch();
    }
  }

  #whenDone(callback: (hasThrown: boolean) => void): () => void {
    const waiters = this.#waiters ??= this.#watch();
    waiters.add(callback);
    return () => waiters.delete(callback);
  }

  #watch(): Set<(hasThrown: boolean) => void> {
    const waiters = new Set<(hasThrown: boolean) => void>();
    const end = (hasThrown: boolean) => {
      this.#waiters = undefined;
      for (const waiter of waiters) waiter(hasThrown);
    };
    this.#call.promise.then(() => end(false), () => end(true));
    return waiters;
  }
}

/** Checks the options of a method, and returns its time limit. */
function timeoutOf(options: FutureWait, method: string): number | undefined {
  checkObject(method, options);
  const { timeout } = options;
  checkNames(method, options, { timeout });
  checkTimeLimit(timeout);
  return timeout;
}

renamedMembers(Future.prototype, {
  add_done_callback:
    "A Future has no 'add_done_callback': use addDoneCallback()",
});
