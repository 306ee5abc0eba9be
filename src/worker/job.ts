import type { LoadedTask } from "./task_table.ts";

/** The work of one message. */
export interface Job {
  readonly task: LoadedTask;
  /** The id of the first call, or of the whole chunk. */
  readonly id: number;
  /** The arguments of each call, or the items of the chunk. */
  readonly items: readonly unknown[];
  /** Whether an item is a list of arguments. */
  readonly spread: boolean;
  /** The index of the item to begin next. */
  next: number;
  /** Set if the values of all items are sent together. */
  readonly chunk: ChunkProgress | undefined;
}

/** Returns the id of the call that an item belongs to. */
export function callId({ id, chunk }: Job, index: number): number {
  return chunk === undefined ? id + index : id;
}

/** Collects the outcomes of a chunk's items. */
export class ChunkProgress {
  readonly #values: unknown[];
  #unsettled: number;
  #failedAt = Infinity;
  #thrown: unknown;

  /** Constructs the progress of a chunk with this many items. */
  constructor(length: number) {
    this.#values = new Array(length);
    this.#unsettled = length;
  }

  /** Whether an item has failed. */
  get failed(): boolean {
    return this.#failedAt !== Infinity;
  }

  /** What the first failed item threw. */
  get thrown(): unknown {
    return this.#thrown;
  }

  /** The values of all items, or of those before the first that failed. */
  get values(): readonly unknown[] {
    return this.failed ? this.#values.slice(0, this.#failedAt) : this.#values;
  }

  /** Notes an item's value, and returns whether all items are settled. */
  returned(index: number, value: unknown): boolean {
    this.#values[index] = value;
    return --this.#unsettled === 0;
  }

  /** Notes what an item threw, and returns whether all items are settled. */
  threw(index: number, thrown: unknown): boolean {
    if (index < this.#failedAt) {
      this.#failedAt = index;
      this.#thrown = thrown;
    }
    return --this.#unsettled === 0;
  }

  /** Gives up items, and returns whether all others are settled. */
  skip(count: number): boolean {
    this.#unsettled -= count;
    return this.#unsettled === 0;
  }
}
