import { LeastDuration } from "../scheduling/least_duration.ts";

/** How long an automatic chunk should take, in microseconds. */
const TARGET_MICROSECONDS = 1_000;

/** The most items in an automatic chunk. */
const MAX_ITEMS = 1_000;

/**
 * The most bytes in an automatic chunk, including its results. A worker's
 * window has room for several: one is sent while another runs.
 */
const MAX_BYTES = 2 ** 20;

/** The weight of a new measurement in the average size, if it is smaller. */
const WEIGHT = 0.25;

/**
 * Decides how many items of a map are sent in one call: a fixed number, or as
 * many as take a worker about 1 ms and fit in 1 MiB.
 */
export class ChunkSize {
  /** Whether the size never changes. */
  readonly fixed: boolean;
  #items: number;
  #itemBytes: number | undefined;
  readonly #itemDuration = new LeastDuration();
  /** How many times as large as the last answered chunk the next one may be. */
  #growth = 2;

  /** Constructs the chunk size from the `chunkSize` option of a map. */
  constructor(chunkSize: number | "auto") {
    this.fixed = chunkSize !== "auto";
    this.#items = chunkSize === "auto" ? 1 : chunkSize;
  }

  /** The number of items in the next chunk. */
  get items(): number {
    return this.#items;
  }

  /** Whether each call is for one item. */
  get single(): boolean {
    return this.fixed && this.#items === 1;
  }

  /**
   * How long the next chunk takes at least, in microseconds: a chunk that took
   * long may only have waited for a processor.
   */
  get microseconds(): number {
    return this.#items * this.#itemDuration.microseconds;
  }

  /** The approximate bytes of an item and its result; `undefined` at first. */
  get itemBytes(): number | undefined {
    return this.#itemBytes;
  }

  /** Sets how many times as large as an answered chunk the next one may be. */
  setGrowth(growth: number): void {
    this.#growth = growth;
  }

  /**
   * Adapts the size to a chunk that was answered.
   *
   * @param items The number of its items.
   * @param microseconds How long a worker was busy with it.
   * @param bytes The size of its items and their results.
   */
  measured(items: number, microseconds: number, bytes: number): void {
    const each = Math.ceil(bytes / items);
    const before = this.#itemBytes ?? 0;
    this.#itemDuration.add(items, microseconds);
    // One chunk that is too large is worse than many that are too small.
    this.#itemBytes = each >= before
      ? each
      : Math.floor(before + (each - before) * WEIGHT);
    if (this.fixed) return;
    const fitting = Math.ceil(
      TARGET_MICROSECONDS * items / Math.max(1, microseconds),
    );
    // A small chunk's duration predicts little about a large chunk's.
    const most = Math.min(
      fitting,
      items * this.#growth,
      MAX_ITEMS,
      this.#fittingItems,
    );
    this.#items = Math.max(1, most);
  }

  /**
   * Adapts the size to a chunk that was sent, if its items are larger than
   * expected.
   *
   * @param items The number of its items.
   * @param bytes The size of its items.
   */
  sent(items: number, bytes: number): void {
    const each = Math.ceil(bytes / items);
    if (each <= (this.#itemBytes ?? 0)) return;
    this.#itemBytes = each;
    if (this.fixed) return;
    this.#items = Math.max(1, Math.min(this.#items, this.#fittingItems));
  }

  /**
   * Adapts the size to a chunk that takes longer than expected.
   *
   * @param items How many of its items have begun.
   * @param microseconds How long a worker has been busy with them.
   */
  slowed(items: number, microseconds: number): void {
    if (this.fixed) return;
    const fitting = Math.ceil(
      TARGET_MICROSECONDS * items / Math.max(1, microseconds),
    );
    this.#items = Math.max(1, Math.min(this.#items, fitting));
  }

  /** How many items fit in a chunk's bytes. */
  get #fittingItems(): number {
    return Math.floor(MAX_BYTES / Math.max(1, this.#itemBytes ?? 0));
  }
}
