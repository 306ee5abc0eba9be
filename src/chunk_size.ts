/** How much work a chunk of automatic size holds, in microseconds. */
const TARGET_MICROSECONDS = 1_000;

/** The most items in a chunk of automatic size. */
const MAX_ITEMS = 1_000;

/**
 * How many of a map's items travel in one message: a fixed number, or as many
 * as take a worker about a millisecond.
 */
export class ChunkSize {
  /** Whether the number never changes. */
  readonly fixed: boolean;
  #items: number;

  /** Constructs it from the option of a map. */
  constructor(chunksize: number | "auto") {
    this.fixed = chunksize !== "auto";
    this.#items = chunksize === "auto" ? 1 : chunksize;
  }

  /** How many items the next chunk has. */
  get items(): number {
    return this.#items;
  }

  /** Whether items travel one by one and will go on to. */
  get single(): boolean {
    return this.fixed && this.#items === 1;
  }

  /** Learns how long a worker was busy with a chunk. */
  measured(items: number, microseconds: number): void {
    if (this.fixed) return;
    const fitting = Math.ceil(
      TARGET_MICROSECONDS * items / Math.max(1, microseconds),
    );
    // A small chunk that was quick says little about a large one.
    this.#items = Math.min(fitting, items * 2, MAX_ITEMS);
  }
}
