/** How long a chunk of automatic size should take, in microseconds. */
const TARGET_MICROSECONDS = 1_000;

/** The most items in a chunk of automatic size. */
const MAX_ITEMS = 1_000;

/**
 * The most bytes in a chunk of automatic size and its results. Several fit in a
 * worker's window: one travels while another is worked on.
 */
const MAX_BYTES = 2 ** 20;

/** The weight of smaller items in a running average. */
const WEIGHT = 0.25;

/**
 * How many items of a map travel in one message: a fixed number, or as many as
 * take a worker about a millisecond and fit in a mebibyte.
 */
export class ChunkSize {
  /** Whether the number never changes. */
  readonly fixed: boolean;
  #items: number;
  #itemBytes: number | undefined;

  /** Constructs it from the option of a map. */
  constructor(chunkSize: number | "auto") {
    this.fixed = chunkSize !== "auto";
    this.#items = chunkSize === "auto" ? 1 : chunkSize;
  }

  /** How many items the next chunk has. */
  get items(): number {
    return this.#items;
  }

  /** Whether items always travel one by one. */
  get single(): boolean {
    return this.fixed && this.#items === 1;
  }

  /** About how many bytes an item and its result have, once that is known. */
  get itemBytes(): number | undefined {
    return this.#itemBytes;
  }

  /**
   * Learns from a chunk that was answered.
   *
   * @param items The number of its items.
   * @param microseconds How long a worker was busy with it.
   * @param bytes The size of its items and their results.
   */
  measured(items: number, microseconds: number, bytes: number): void {
    const each = Math.ceil(bytes / items);
    const before = this.#itemBytes ?? 0;
    // A chunk that is too large does more harm than many that are too small.
    this.#itemBytes = each >= before
      ? each
      : Math.floor(before + (each - before) * WEIGHT);
    if (this.fixed) return;
    const fitting = Math.ceil(
      TARGET_MICROSECONDS * items / Math.max(1, microseconds),
    );
    // A small chunk that was quick says little about a large one.
    const most = Math.min(fitting, items * 2, MAX_ITEMS, this.#fittingItems);
    this.#items = Math.max(1, most);
  }

  /**
   * Learns from a chunk that was sent, if its items are larger than expected.
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

  /** How many items fit in the bytes of a chunk. */
  get #fittingItems(): number {
    return Math.floor(MAX_BYTES / Math.max(1, this.#itemBytes ?? 0));
  }
}
