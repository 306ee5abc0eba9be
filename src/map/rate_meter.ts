/** Over how many milliseconds a rate is averaged at least. */
const MIN_SPAN = 10_000;

/**
 * Over how many times the duration of an item a rate is averaged at least.
 * Workers that begin together also end together, and do so for a while.
 */
const MIN_ROUNDS = 4;

/** What a {@linkcode RateMeter} reads. */
export interface Pace {
  /** The milliseconds since the start. */
  readonly elapsed: number;
  /** How many items have begun or ended. */
  readonly taken: number;
  /** How many of them have ended. */
  readonly ended: number;
}

/**
 * Measures how many items end per second, whenever it is read.
 *
 * The rate is that of items and time which both count the less the longer ago
 * they were: by a factor of e after a span.
 */
export class RateMeter {
  #elapsed = 0;
  #ended = 0;
  /** The time and the items that count. */
  #time = 0;
  #items = 0;
  /** When the first item was taken, as far as it was read. */
  #begin = 0;

  /** Returns how many items end per second. */
  read({ elapsed, taken, ended }: Pace): number {
    const time = elapsed - this.#elapsed;
    const items = ended - this.#ended;
    this.#elapsed = elapsed;
    this.#ended = ended;
    if (taken === 0) {
      // Workers start.
      this.#begin = elapsed;
      return 0;
    }
    // By Little's law, an item takes as long as all those under way need to end.
    const duration = (elapsed - this.#begin) * (taken - ended) / ended || 0;
    const span = Math.max(MIN_SPAN, MIN_ROUNDS * duration);
    const kept = Math.exp(-time / span);
    this.#time = this.#time * kept + time;
    this.#items = this.#items * kept + items;
    return this.#items === 0 ? 0 : 1_000 * this.#items / this.#time;
  }
}
