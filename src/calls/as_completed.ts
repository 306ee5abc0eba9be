import { checkNames, checkObject } from "../options/option_checks.ts";
import { Queue } from "../util/queue.ts";
import { withinLimit } from "../util/within_limit.ts";
import { checkTimeLimit } from "./check_time_limit.ts";
import { type Future, whenDone } from "./future.ts";
import { futureSet } from "./future_set.ts";

/**
 * The options of {@linkcode asCompleted}.
 *
 * @example Usage
 * ```ts
 * import { asCompleted, type AsCompletedOptions, Pool } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * await using pool = new Pool(1);
 * const endless = pool.submit(() => new Promise<void>(() => {}));
 * const options: AsCompletedOptions = { timeout: 100 };
 * await assertRejects(
 *   () => asCompleted([endless], options).next(),
 *   DOMException,
 *   "1 of 1 futures",
 * );
 * endless.cancel();
 * ```
 */
export interface AsCompletedOptions {
  /**
   * How long all futures together may take, in milliseconds from the call of
   * `asCompleted()`. The default is no limit.
   *
   * @default {undefined}
   */
  readonly timeout?: number;
}

/**
 * Iterates over futures as they are done: those that returned, threw or were
 * cancelled. Those that are done already come first.
 *
 * Leaving the loop cancels nothing.
 *
 * @example Usage
 * ```ts
 * import { asCompleted, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * const futures = [3, 1, 2].map((x) => pool.submit((x: number) => x * x, x));
 * const squares: number[] = [];
 * for await (const future of asCompleted(futures)) squares.push(await future);
 * assertEquals(squares.sort(), [1, 4, 9]);
 * ```
 *
 * @typeParam AnyFuture The type of the futures.
 * @param futures The futures; one that occurs twice is returned once.
 * @param options The options.
 * @returns An iterator over the futures. It throws a `DOMException` named
 * `"TimeoutError"` when the time is over.
 * @throws {TypeError} If `futures` contains anything else, or an option doesn't
 * exist or has the wrong type.
 * @throws {RangeError} If `timeout` is out of range.
 * @see {@link https://peps.python.org/pep-3148/#module-functions}
 */
export function asCompleted<AnyFuture extends Future<unknown>>(
  futures: Iterable<AnyFuture>,
  options: AsCompletedOptions = {},
): AsyncIterableIterator<AnyFuture, undefined> {
  checkObject("asCompleted()", options);
  const { timeout } = options;
  checkNames("asCompleted()", options, { timeout });
  checkTimeLimit(timeout);
  return new Completions(futureSet(futures), timeout);
}

/**
 * Futures in the order in which they are done. This isn't an async generator,
 * as that would await each future that it yields.
 */
class Completions<AnyFuture extends Future<unknown>>
  implements AsyncIterableIterator<AnyFuture, undefined> {
  readonly #size: number;
  /** How many futures haven't been returned. */
  #left: number;
  readonly #done = new Queue<AnyFuture>();
  /** Ends the wait for each future. */
  readonly #unwatch: readonly (() => void)[];
  /** Resolves when another future is done, if anybody waits for that. */
  #arrival: PromiseWithResolvers<void> | undefined;
  readonly #timeout: number | undefined;
  readonly #begin = performance.now();

  constructor(futures: Set<AnyFuture>, timeout: number | undefined) {
    this.#size = futures.size;
    this.#left = futures.size;
    this.#timeout = timeout;
    this.#unwatch = Array.from(futures, (future) =>
      whenDone(future, () => {
        this.#done.push(future);
        this.#arrival?.resolve();
        this.#arrival = undefined;
      }));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<AnyFuture, undefined>> {
    while (this.#left > 0) {
      if (this.#done.length > 0) {
        this.#left--;
        return { done: false, value: this.#done.shift()! };
      }
      this.#arrival ??= Promise.withResolvers();
      await this.#wait(this.#arrival.promise);
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<AnyFuture, undefined>> {
    this.#end();
    // A call of next() may be waiting.
    this.#arrival?.resolve();
    return Promise.resolve({ done: true, value: undefined });
  }

  #end(): void {
    this.#left = 0;
    for (const stop of this.#unwatch) stop();
  }

  async #wait(arrival: Promise<void>): Promise<void> {
    const timeout = this.#timeout;
    if (timeout === undefined) return await arrival;
    const rest = this.#begin + timeout - performance.now();
    try {
      await withinLimit(arrival, Math.max(0, rest));
    } catch {
      const late = this.#left;
      this.#end();
      throw new DOMException(
        `${late} of ${this.#size} futures weren't done within ${timeout} ms`,
        "TimeoutError",
      );
    }
  }
}
