/** By how much the duration grows with each message that took longer. */
const GROWTH = 2;

/** The least time that a worker can measure, in microseconds. */
const MIN_MEASURABLE = 0.5;

/**
 * The least average duration of calls in recent messages: a busy machine only
 * adds to it.
 */
export class LeastDuration {
  #microseconds = 0;

  /** The duration in microseconds; 0 if nothing was measured. */
  get microseconds(): number {
    return this.#microseconds;
  }

  /** Adds calls that were answered in one message, and how long they took. */
  add(calls: number, microseconds: number): void {
    const average = Math.max(MIN_MEASURABLE, microseconds) / calls;
    this.#microseconds = this.#microseconds === 0
      ? average
      : Math.min(average, this.#microseconds * GROWTH);
  }
}
