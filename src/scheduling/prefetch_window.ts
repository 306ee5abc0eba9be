/** How much work should wait in a worker's queue, in microseconds. */
const TARGET_MICROSECONDS = 4_000;

/** The most calls in an automatic window, unless the concurrency is higher. */
const MAX_CALLS = 4_096;

/** The most bytes of arguments and expected results in flight. */
const MAX_BYTES = 4 * 2 ** 20;

/** The weight of the newest measurement in a running average. */
const WEIGHT = 0.25;

/**
 * Decides how many calls one worker may have at a time.
 *
 * A worker that waits for its next call wastes time, and a call that waits
 * behind a long one could have run elsewhere. So about 4 ms of work wait in the
 * worker's queue: thousands of tiny calls, or none behind a long one.
 */
export class PrefetchWindow {
  readonly #concurrency: number;
  readonly #fixed: boolean;
  #limit: number;
  #microseconds = 0;
  #resultBytes = 0;

  #calls = 0;
  #argumentBytes = 0;

  /**
   * Constructs the window of one worker.
   *
   * @param prefetch How many calls may wait at the worker in addition to the
   * running ones; `"auto"` adapts to the measured durations.
   * @param concurrency How many calls the worker runs at once.
   */
  constructor(prefetch: number | "auto", concurrency: number) {
    this.#concurrency = concurrency;
    this.#fixed = prefetch !== "auto";
    this.#limit = concurrency + (prefetch === "auto" ? 0 : prefetch);
  }

  /** How many calls the worker runs at once. */
  get concurrency(): number {
    return this.#concurrency;
  }

  /** How many calls the worker may have. */
  get limit(): number {
    return this.#limit;
  }

  /** How many calls the worker has. */
  get calls(): number {
    return this.#calls;
  }

  /** How many more calls may be sent now. */
  get room(): number {
    const bytes = this.#argumentBytes + this.#calls * this.#resultBytes;
    if (bytes >= MAX_BYTES && this.#calls > 0) return 0;
    return this.#limit - this.#calls;
  }

  /** Adds a call that was sent, with the size of its arguments. */
  sent(bytes: number): void {
    this.#calls++;
    this.#argumentBytes += bytes;
  }

  /** Removes a call that was answered, with the size of its arguments. */
  returned(bytes: number): void {
    this.#calls--;
    this.#argumentBytes -= bytes;
  }

  /**
   * Adapts the window to calls that were answered in one message.
   *
   * @param calls The number of the calls.
   * @param microseconds How long the worker was busy with them.
   * @param bytes The size of their results.
   */
  measured(calls: number, microseconds: number, bytes: number): void {
    this.#resultBytes = average(this.#resultBytes, bytes / calls);
    if (this.#fixed) return;
    this.#microseconds = average(this.#microseconds, microseconds / calls);
    const queued = Math.floor(
      TARGET_MICROSECONDS / Math.max(1, this.#microseconds),
    );
    // One short measurement at most doubles the window.
    const fitting = this.#concurrency + queued;
    this.#limit = Math.min(
      fitting,
      this.#limit * 2,
      Math.max(MAX_CALLS, this.#concurrency),
    );
  }
}

function average(before: number, now: number): number {
  return before === 0 ? now : before + (now - before) * WEIGHT;
}
