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
}
