import type { LoadedTask } from "./task_table.ts";
import { roughSize } from "../util/rough_size.ts";

/** The size of a chunk's values with which the rest of its items is left. */
const MAX_BYTES = 2 ** 20;

/** One in this many objects is weighed, after as many at first. */
const SAMPLE = 16;

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
  /** About how many bytes the values have. */
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

  /** Whether its values should be sent before further items begin. */
  get isLarge(): boolean {
    return this.#bytes > MAX_BYTES;
  }

  /** What the first failed item threw. */
  get thrown(): unknown {
    return this.#thrown;
  }

  /** The values of the items that weren't given up, up to the first failed. */
  get values(): readonly unknown[] {
    return this.failed ? this.#values.slice(0, this.#failedAt) : this.#values;
  }

  /** Notes an item's value, and returns whether all items are settled. */
  returned(index: number, value: unknown): boolean {
    this.#values[index] = value;
    if (typeof value !== "number") this.#bytes += weigh(value, index);
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

  /** Gives up the last items, and returns whether all others are settled. */
  skip(count: number): boolean {
    this.#values.length -= count;
    this.#unsettled -= count;
    return this.#unsettled === 0;
  }
}

/** Returns about how many bytes a value has. */
function weigh(value: unknown, index: number): number {
  try {
    if (index < SAMPLE) return roughSize(value, true);
    return index % SAMPLE === 0
      ? roughSize(value, true) * SAMPLE
      : roughSize(value, false);
  } catch {
    // It is a revoked proxy, or the task has replaced a global.
    return 0;
  }
}
