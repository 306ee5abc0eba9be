/**
 * How much work the mean covers, in microseconds. This should exceed the times
 * for which a worker's process isn't scheduled, because it counts them, too.
 */
const MEMORY_MICROSECONDS = 4_000;

/** How much the messages before count beside the next one at most. */
const MAX_WEIGHT = 0.8;

/**
 * The mean duration of a worker's latest calls. All calls count the same, so one
 * that took long hardly changes the mean of thousands.
 */
export class MeanDuration {
  #calls = 0;
  /** Not the total: a quotient may be less than the mean that was set. */
  #mean = 0;
  /** How much work is missing until others don't count, in microseconds. */
  #missing = MEMORY_MICROSECONDS;

  /** The mean in microseconds; 0 if nothing was measured. */
  get microseconds(): number {
    return this.#mean;
  }

  /**
   * Returns the mean in microseconds. While the worker has done little, the mean
   * includes calls that took as long as those of others.
   *
   * @param others The mean of others; 0 if it is unknown.
   */
  among(others: number): number {
    if (others === 0 || this.#missing === 0) return this.microseconds;
    const calls = this.#calls + this.#missing / others;
    return (this.#mean * this.#calls + this.#missing) / calls;
  }

  /** Adds calls that were answered in one message, and how long they took. */
  add(calls: number, microseconds: number): void {
    const weight = Math.min(
      MAX_WEIGHT,
      MEMORY_MICROSECONDS / (MEMORY_MICROSECONDS + microseconds),
    );
    const before = this.#calls * weight;
    this.#calls = before + calls;
    this.#mean = (this.#mean * before + microseconds) / this.#calls;
    this.#missing = Math.max(0, this.#missing * weight - microseconds);
  }

  /** Replaces the latest messages by as many with a call that took this long. */
  reset(microseconds: number): void {
    this.#calls = 1 / (1 - MAX_WEIGHT);
    this.#mean = microseconds;
    this.#missing = 0;
  }
}
