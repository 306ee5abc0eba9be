/**
 * The results of a map, to be iterated once.
 *
 * Nothing is taken from the inputs before the first result is asked for. When
 * the loop is left early, tasks that haven't begun are dropped and the inputs
 * are closed.
 *
 * @typeParam Result What the task returns.
 */
export interface MapResults<Result>
  extends AsyncIterableIterator<Result, undefined>, AsyncDisposable {
  /** Returns itself. */
  [Symbol.asyncIterator](): MapResults<Result>;
  /**
   * Collects the results that remain: faster than a loop, if they fit in
   * memory.
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
   * @returns All results, in the order in which a loop would see them.
   * @throws What a loop would throw.
   */
  toArray(): Promise<Result[]>;
}
