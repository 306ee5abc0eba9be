/**
 * How an item of a map has ended, as in `Promise.allSettled()`, with its index:
 * {@linkcode MapResults.settled} iterates over these.
 *
 * @example Usage
 * ```ts
 * import { Pool, type SettledItem } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const describe = (item: SettledItem<string>): string =>
 *   item.status === "fulfilled" ? item.value : String(item.reason);
 *
 * await using pool = new Pool(1);
 * const greet = (name: string) => {
 *   if (name === "") throw new RangeError("nobody");
 *   return `hello ${name}`;
 * };
 * const items = await pool.map(greet, ["Ann", ""]).settled().toArray();
 * assertEquals(items.map(describe), ["hello Ann", "RangeError: nobody"]);
 * ```
 *
 * @typeParam Result What the task returns.
 * @see {@link https://tc39.es/ecma262/#sec-promise.allsettled}
 */
export type SettledItem<Result> =
  | {
    /** The index of the item among the map's items. */
    readonly index: number;
    /** The task returned. */
    readonly status: "fulfilled";
    /** What it returned. */
    readonly value: Result;
  }
  | {
    /** The index of the item among the map's items. */
    readonly index: number;
    /** The task threw, or couldn't run. */
    readonly status: "rejected";
    /** What it threw, or why it couldn't run. */
    readonly reason: unknown;
    /**
     * How many times the task ran, if it threw and the map's calls have the
     * option {@linkcode CallOptions.retry}.
     */
    readonly attempts?: number;
  };
