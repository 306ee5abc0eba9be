/** The argument before the number of bytes that a worker may use. */
export const MAX_MEMORY = "--max-memory";

/** What a worker needs at least to run tasks, in bytes. */
const TASK_MEMORY = 20e6;

/** The least time between two measurements, in milliseconds: each takes 10 µs. */
const INTERVAL = 1;

// Tasks may replace it.
const { memoryUsage } = Deno;

/** A worker's view of its own memory; the process that started it has another. */
export class MaxMemory {
  /** How much the worker may use, in bytes. */
  readonly #limit: number;
  #measuredAt = -Infinity;

  /**
   * Constructs it at the start of a worker.
   *
   * @param limit How much the worker may use, in bytes.
   * @throws {RangeError} If it is too little to run any task.
   */
  constructor(limit: number) {
    this.#limit = limit;
    const { rss } = memoryUsage();
    if (rss + TASK_MEMORY <= limit) return;
    throw new RangeError(
      `A worker uses ${
        megabytes(rss)
      } before its first task, so a 'maxMemory' of ${
        megabytes(limit)
      } is too little: set it to ${megabytes(rss + TASK_MEMORY)} at least`,
    );
  }

  /**
   * Returns how much the worker uses, in bytes, if that is too much, and
   * otherwise 0.
   *
   * @param time The time, in milliseconds.
   */
  excess(time: number): number {
    if (time - this.#measuredAt < INTERVAL) return 0;
    this.#measuredAt = time;
    const { rss } = memoryUsage();
    return rss > this.#limit ? rss : 0;
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
