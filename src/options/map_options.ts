import type { JournalOptions } from "./journal_options.ts";
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
 *
 * @typeParam Item The type of an item.
 */
export interface MapOptions<Item = unknown> {
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
   * The path of a file that keeps the map's finished items, or options with it.
   * If the program ends before the map, however it ends, the same call goes on:
   * it answers finished items from the file, and runs the others. Results are
   * given to the reader once they are in the file. The map ends with a
   * {@linkcode JournalError} if the file is of another task or of other items, or
   * is in use.
   *
   * An item is known by its index and its value, unless there is a `key`. What a
   * task yields one by one can't be recorded. See
   * [the journal](https://github.com/distex/pool/blob/main/docs/journal.md) for
   * what is promised when.
   *
   * @example Usage
   * ```ts
   * import { Pool } from "@distex/pool";
   * import { assertEquals } from "@std/assert";
   *
   * const journal = await Deno.makeTempFile({ suffix: ".db" });
   * await using pool = new Pool(2);
   * const length = (word: string) => word.length;
   * const words = ["to", "be?"];
   * const first = pool.map(length, words, { journal });
   * assertEquals((await first.next()).value, 2);
   * await first.return?.();
   * // This runs only what is left.
   * const lengths = await pool.map(length, words, { journal }).toArray();
   * assertEquals(lengths, [2, 3]);
   * await Deno.remove(journal);
   * ```
   *
   * @default {undefined}
   */
  readonly journal?: string | URL | JournalOptions;
  /**
   * Returns the key that identifies an item in the journal, another one for
   * each item. Items may then come in another order in the next run, and may
   * differ in what isn't part of the key. The map keeps all keys in memory.
   *
   * @param item The item.
   * @returns The key.
   */
  key?(item: Item): string;
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
