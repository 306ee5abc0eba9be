/**
 * How far a map has come: {@linkcode MapResults.progress} returns it, and
 * {@linkcode MapOptions.onProgress} gets it.
 *
 * @example Usage
 * ```ts
 * import { type MapProgress, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const describe = ({ done, total }: MapProgress) => `${done} of ${total ?? "?"}`;
 * await using pool = new Pool(1);
 * const squares = pool.map((x: number) => x * x, [1, 2, 3]);
 * assertEquals(describe(squares.progress), "0 of 3");
 * await squares.toArray();
 * assertEquals(describe(squares.progress), "3 of 3");
 * ```
 */
export interface MapProgress {
  /** The name of the map's task. */
  readonly task: string;
  /** What the map is doing. */
  readonly phase: MapPhase;
  /**
   * How many items the map has in all. That is known from the start if its
   * inputs are arrays, typed arrays, sets or maps, and otherwise when they have
   * ended; before, it is `undefined`.
   */
  readonly total: number | undefined;
  /** For how many items the task has returned. */
  readonly done: number;
  /** How many items have failed: one at most, unless the map is `settled()`. */
  readonly failed: number;
  /** How many other items run at workers or wait for them. */
  readonly running: number;
  /** How long the map has taken so far, in milliseconds since its start. */
  readonly elapsed: number;
  /**
   * How many items end per second: an average over about the last 10 seconds,
   * or over the time that four items in a row take, if that is longer. It is 0
   * until the first item has ended, and the average of the whole map after its
   * end. Items that a journal has recorded don't count.
   */
  readonly rate: number;
  /**
   * How long the other items will take at this rate, in milliseconds;
   * `undefined` while that is unknown.
   */
  readonly timeLeft: number | undefined;
}

/**
 * What a map is doing: it is `"idle"` until its first result is requested,
 * `"running"` while it takes items, `"draining"` when it takes no more items, and
 * `"ended"` after its last result or an error.
 */
export type MapPhase = "idle" | "running" | "draining" | "ended";
