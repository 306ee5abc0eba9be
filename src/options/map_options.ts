import type { MapProgress } from "./map_progress.ts";

/**
 * The options of a map.
 *
 * @example Usage
 * ```ts
 * import { type MapOptions, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const options: MapOptions = { chunkSize: 100, ordered: false };
 * await using pool = new Pool(2);
 * const numbers = Array.from({ length: 1_000 }, (_, n) => n);
 * const results = await pool.map((x: number) => x, numbers, options).toArray();
 * assertEquals(results.length, 1_000);
 * ```
 */
export interface MapOptions {
  /**
   * How many items travel in one message. Larger chunks make tiny tasks much
   * faster. `"auto"` measures how long items take and makes chunks that take
   * about a millisecond, or smaller ones if an async iterable has no more
   * items yet. With a number, items wait until the chunk is full. If an item
   * can't be sent, none of its chunk is sent. With the option `onMessage`, each
   * item is a chunk of its own.
   *
   * @default {"auto"}
   */
  readonly chunkSize?: number | "auto";
  /**
   * Whether results come in the order of the items. If not, they come as the
   * tasks finish, and the items of arrays may begin in any order.
   *
   * @default {true}
   */
  readonly ordered?: boolean;
  /**
   * Whether each item is an array with all arguments of one call. If not, each
   * item is the only argument.
   *
   * @default {false}
   */
  readonly spread?: boolean;
  /**
   * How long the whole map may take, in milliseconds from the request for its
   * first result.
   *
   * @default {undefined}
   */
  readonly timeout?: number;
  /**
   * Cancels the map when it is aborted. The map then throws the signal's
   * reason.
   *
   * @default {undefined}
   */
  readonly signal?: AbortSignal;
  /**
   * Watches the map. It is called when something has changed and once a second
   * while items run, at most ten times a second, and once at the end, when the
   * map's `phase` is `"ended"`. It doesn't keep the program alive. If it throws,
   * the error is printed, it isn't called again, and the map goes on.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * let share = 0;
   * await using pool = new Pool(2);
   * await pool.map((x: number) => x * x, [1, 2, 3], {
   *   onProgress({ done, failed, total = Infinity }) {
   *     share = (done + failed) / total;
   *   },
   * }).toArray();
   * assertEquals(share, 1);
   * ```
   *
   * @param progress How far the map has come.
   */
  onProgress?(progress: MapProgress): unknown;
}

/** @internal */
export type ProgressListener = NonNullable<MapOptions["onProgress"]>;
