import type { ResultMode } from "../protocol/worker_messages.ts";
import type { AnnouncedCalls } from "./call_prefaces.ts";
import { resumeTask, TaskContext } from "./task_context.ts";
import type { LoadedTask } from "./task_table.ts";
import { roughSize } from "../util/rough_size.ts";
import { dropValues } from "./value_source.ts";

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
  readonly items: unknown[];
  /** Whether each item is a list of arguments. */
  readonly spread: boolean;
  /** What to do with the values that the task returns. */
  readonly mode: ResultMode;
  /** The index of the item to begin next. */
  next: number;
  /** The progress of a chunk, whose values are sent together. */
  readonly chunk: ChunkProgress | undefined;
  /** What the pool has announced of its calls, if anything. */
  readonly announced: AnnouncedCalls | undefined;
}

/** Returns the id of the call that an item belongs to. */
export function callId({ id, chunk }: Job, index: number): number {
  return chunk === undefined ? id + index : id;
}

/** A generator or stream that an item of a chunk returned. */
export class ItemValues {
  /** Constructs the values that `source` yields for the task of a context. */
  constructor(readonly source: object, readonly context: TaskContext) {}

  /** Ends the source, because nobody reads it. */
  drop(): void {
    TaskContext.abort(this.context);
    resumeTask(this.context, dropValues, this.source);
    TaskContext.end(this.context);
  }
}

/** Collects the outcomes of a chunk's items. */
export class ChunkProgress {
  readonly #values: unknown[];
  #unsettled: number;
  /** The approximate size of the values, in bytes. */
  #bytes = 0;
  #failedAt = Infinity;
  #thrown: unknown;
  #isStreaming = false;
  #isDropped = false;
  /** Wakes {@linkcode ChunkProgress.take} when an item is settled. */
  #changed: PromiseWithResolvers<void> | undefined;

  /**
   * Constructs the progress of a chunk with this many items.
   *
   * @param settles Whether an item that throws doesn't end the chunk.
   */
  constructor(length: number, readonly settles: boolean = false) {
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

  /** Whether the values are sent one by one, instead of together. */
  get isStreaming(): boolean {
    return this.#isStreaming;
  }

  /** The number of items that weren't skipped. */
  get length(): number {
    return this.#values.length;
  }

  /** Records that an item yields values, which must be sent one by one. */
  yields(index: number, values: ItemValues): void {
    if (this.#isDropped) return values.drop();
    this.#isStreaming = true;
    this.#values[index] = values;
    this.#settle();
  }

  /** Drops everything that wasn't taken, and what items yield from now on. */
  drop(): void {
    this.#isDropped = true;
    for (const value of this.#values.splice(0)) {
      if (value instanceof ItemValues) value.drop();
    }
  }

  /**
   * Waits for the outcome of an item that has begun, and takes its value.
   *
   * @throws The error of the item.
   */
  async take(index: number): Promise<unknown> {
    while (!(index in this.#values) && this.#failedAt !== index) {
      this.#changed ??= Promise.withResolvers();
      await this.#changed.promise;
    }
    if (this.#failedAt === index) throw this.#thrown;
    const value = this.#values[index];
    this.#values[index] = undefined;
    return value;
  }

  /**
   * Records an item's value.
   *
   * @returns Whether all items are settled.
   */
  returned(index: number, value: unknown): boolean {
    this.#values[index] = value;
    if (typeof value !== "number") this.#bytes += weigh(value, index);
    return this.#settle();
  }

  /**
   * Records an item's error.
   *
   * @returns Whether all items are settled.
   */
  threw(index: number, thrown: unknown): boolean {
    if (this.settles) this.#values[index] = undefined;
    else if (index < this.#failedAt) {
      this.#failedAt = index;
      this.#thrown = thrown;
    }
    return this.#settle();
  }

  /** Skips the last items, and returns whether all others are settled. */
  skip(count: number): boolean {
    this.#values.length -= count;
    this.#unsettled -= count;
    return this.#unsettled === 0;
  }

  #settle(): boolean {
    if (this.#changed !== undefined) this.#wake();
    return --this.#unsettled === 0;
  }

  #wake(): void {
    this.#changed!.resolve();
    this.#changed = undefined;
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
