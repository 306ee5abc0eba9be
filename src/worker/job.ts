import type { LoadedTask } from "./task_table.ts";
import { roughSize } from "../util/rough_size.ts";

/** If a chunk's values are larger, the rest of its items is skipped, in bytes. */
const MAX_BYTES = 2 ** 20;

/** How many values are weighed at the start; later, one in this many is. */
const SAMPLE = 16;

/** The work of one message. */
export interface Job {
  readonly task: LoadedTask;
  /** The id of the first call, or of the whole chunk. */
  readonly id: number;
  /** The arguments of each call, or the items of the chunk. */
  readonly items: readonly unknown[];
  /** Whether each item is a list of arguments. */
  readonly spread: boolean;
  /** The index of the item to begin next. */
  next: number;
  /** The progress of a chunk, whose values are sent together. */
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
  /** The approximate size of the values, in bytes. */
  #bytes = 0;
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

  /** Whether the values should be sent without running the other items. */
  get isLarge(): boolean {
    return this.#bytes > MAX_BYTES;
  }

  /** The value that the first failed item threw. */
  get thrown(): unknown {
    return this.#thrown;
  }

  /** The values of items that weren't skipped, up to the first failed item. */
  get values(): readonly unknown[] {
    return this.failed ? this.#values.slice(0, this.#failedAt) : this.#values;
  }

  /** Records an item's value, and returns whether all items are settled. */
  returned(index: number, value: unknown): boolean {
    this.#values[index] = value;
    if (typeof value !== "number") this.#bytes += weigh(value, index);
    return --this.#unsettled === 0;
  }

  /** Records an item's error, and returns whether all items are settled. */
  threw(index: number, thrown: unknown): boolean {
    if (index < this.#failedAt) {
      this.#failedAt = index;
      this.#thrown = thrown;
    }
    return --this.#unsettled === 0;
  }

  /** Skips the last items, and returns whether all others are settled. */
  skip(count: number): boolean {
    this.#values.length -= count;
    this.#unsettled -= count;
    return this.#unsettled === 0;
  }
}

/** Returns the approximate size of a value, in bytes. */
function weigh(value: unknown, index: number): number {
  try {
    if (index < SAMPLE) return roughSize(value, true);
    return index % SAMPLE === 0
      ? roughSize(value, true) * SAMPLE
      : roughSize(value, false);
  } catch {
    // The value is a revoked proxy, or the task has replaced a global.
    return 0;
  }
}
