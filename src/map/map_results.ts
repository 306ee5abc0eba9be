import type { MapProgress } from "../options/map_progress.ts";
import type { SettledItem } from "./settled_item.ts";

/**
 * The options of {@linkcode MapResults.settled}.
 *
 * @example Usage
 * ```ts
 * import { Pool, type SettledOptions } from "@distex/pool";
 * import { assertRejects } from "@std/assert";
 *
 * const options: SettledOptions = { maxFailures: 1 };
 * await using pool = new Pool(1);
 * const fail = (x: number) => {
 *   throw new RangeError(`no ${x}`);
 * };
 * await assertRejects(
 *   () => pool.map(fail, [1, 2, 3]).settled(options).toArray(),
 *   AggregateError,
 *   "'maxFailures' is 1",
 * );
 * ```
 */
export interface SettledOptions {
  /**
   * How many items may fail: a whole number, or a share of all items, such as
   * 0.03. With more, the map ends with an `AggregateError` of all their errors.
   * Of how many items a share is taken is unknown until the inputs have ended,
   * unless all are arrays: until then, it is taken of those that have ended, and
   * of 100 at least.
   *
   * @default {Infinity}
   */
  readonly maxFailures?: number;
}

/**
 * The results of a map. They can be iterated once.
 *
 * The map starts when the first result is requested. Leaving the loop early
 * cancels the map's remaining tasks and closes its inputs.
 *
 * A Jupyter notebook displays how far the map has come.
 *
 * @typeParam Result What the task returns, or yields.
 */
export interface MapResults<Result>
  extends AsyncIterableIterator<Result, undefined>, AsyncDisposable {
  /** Returns itself. */
  [Symbol.asyncIterator](): MapResults<Result>;
  /**
   * The index of the item whose task threw the error that ended the map, if it
   * has ended so. It is unknown if several items of a chunk have yielded values.
   */
  readonly failedIndex: number | undefined;
  /**
   * How far the map has come. To watch it, use
   * {@linkcode MapOptions.onProgress}, or `showProgress()` of
   * `@distex/pool/progress`.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const squares = pool.map((x: number) => x * x, [1, 2, 3]);
   * for await (const square of squares) {
   *   const { done, total } = squares.progress;
   *   console.log(`${square}; ${done} of ${total} are done`);
   * }
   * assertEquals(squares.progress.done, 3);
   * ```
   */
  readonly progress: MapProgress;
  /**
   * Lets the map go on after items that fail. It then yields how each item has
   * ended, with its index, and an item that fails costs no other item, whatever
   * the chunk size. An item also fails if it or its result can't be sent, or if
   * its worker is lost; a lost chunk runs again item by item if `retries` are
   * left, and fails as a whole otherwise.
   *
   * An error of the map itself, such as its timeout or an error of its inputs,
   * ends it as ever. What a task yields one by one can't be settled: let it
   * return an array.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const half = (x: number) => {
   *   if (x % 2 === 1) throw new RangeError(`${x} is odd`);
   *   return x / 2;
   * };
   * const lines: string[] = [];
   * for await (const item of pool.map(half, [4, 5]).settled()) {
   *   lines.push(
   *     item.status === "fulfilled"
   *       ? `${item.index}: ${item.value}`
   *       : `${item.index}: ${item.reason}`,
   *   );
   * }
   * assertEquals(lines, ["0: 2", "1: RangeError: 5 is odd"]);
   * ```
   *
   * @param options The options.
   * @returns This map, with other results.
   * @throws {TypeError} If an option doesn't exist or has the wrong type.
   * @throws {RangeError} If `maxFailures` is out of range.
   * @throws {DOMException} Named `"InvalidStateError"` if a result was requested
   * before.
   */
  settled(options?: SettledOptions): MapResults<SettledItem<Result>>;
  /**
   * Collects all remaining results in an array. This is faster than a loop, but
   * all results must fit in memory. If no result was requested before, and the
   * items are in arrays, they may begin in any order.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * const squares = pool.map((x: number) => x * x, [1, 2, 3]);
   * assertEquals((await squares.next()).value, 1);
   * assertEquals(await squares.toArray(), [4, 9]);
   * ```
   *
   * @returns The remaining results, in the same order as in a loop.
   * @throws The same error as a loop.
   */
  toArray(): Promise<Result[]>;
  /**
   * Iterates over arrays of the results that have arrived. A loop over these
   * makes far fewer promises than one over single results.
   *
   * Leaving the loop early ends the map, as for single results.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * let sum = 0;
   * const squares = pool.map((x: number) => x * x, [1, 2, 3]);
   * for await (const batch of squares.batches()) {
   *   for (const square of batch) sum += square;
   * }
   * assertEquals(sum, 14);
   * ```
   *
   * @returns An iterator over the remaining results, in the same order as in a
   * loop. Each array has at least one.
   */
  batches(): MapBatches<Result>;
  /**
   * Calls a function with each remaining result, in the same order as in a
   * loop, without a promise for each.
   *
   * If the function returns a promise, the next result waits for it. If it
   * throws, the map ends, as if a loop had been left.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * await using pool = new Pool(2);
   * let sum = 0;
   * await pool.map((x: number) => x * x, [1, 2, 3]).forEach((square) => {
   *   sum += square;
   * });
   * assertEquals(sum, 14);
   * ```
   *
   * @param callback The function. It gets a result, and how many results it got
   * before.
   * @returns A promise that resolves after the last result.
   * @throws The same error as a loop, or what the function throws.
   */
  forEach(
    callback: (result: Result, index: number) => unknown,
  ): Promise<void>;
}

/**
 * The results of a map in arrays: {@linkcode MapResults.batches} returns it.
 *
 * @typeParam Result What the task returns, or yields.
 */
export interface MapBatches<Result>
  extends AsyncIterableIterator<Result[], undefined>, AsyncDisposable {
  /** Returns itself. */
  [Symbol.asyncIterator](): MapBatches<Result>;
}
