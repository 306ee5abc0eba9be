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
