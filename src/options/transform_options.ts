import type { MapOptions } from "./map_options.ts";

/**
 * The options of a transform.
 *
 * @example Usage
 * ```ts
 * import { Pool, type TransformOptions } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const options: TransformOptions = { ordered: false, timeout: 60_000 };
 * await using pool = new Pool(2);
 * const lengths = ReadableStream.from(["to", "be?"])
 *   .pipeThrough(pool.transform((word: string) => word.length, options));
 * assertEquals((await Array.fromAsync(lengths)).toSorted(), [2, 3]);
 * ```
 *
 * @typeParam Item The type of the values written to the transform.
 * @typeParam Result The type of the values read from it.
 */
export interface TransformOptions<Item = unknown, Result = unknown>
  extends Omit<MapOptions, "journal" | "key"> {
  /**
   * How long the whole transform may take, in milliseconds from the first read.
   * Both sides then fail with a `DOMException` named `"TimeoutError"`.
   *
   * @default {undefined}
   */
  readonly timeout?: number;
  /**
   * Ends the transform when it is aborted: both sides then fail with the
   * signal's reason.
   *
   * @default {undefined}
   */
  readonly signal?: AbortSignal;
  /**
   * The queue of the writable side: how many values wait there before a writer
   * should stop, in addition to those that the workers have room for.
   *
   * @default {{ highWaterMark: 1 }}
   */
  readonly writableStrategy?: QueuingStrategy<Item>;
  /**
   * The queue of the readable side: how many results move there before they are
   * read. Results that arrive together move together, even if they are more
   * than that. With 0, the transform starts at the first read; otherwise at
   * once.
   *
   * @default {{ highWaterMark: 0 }}
   */
  readonly readableStrategy?: QueuingStrategy<Result>;
}
