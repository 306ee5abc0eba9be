/**
 * Pauses that double each time up to a maximum. Jitter keeps clients that wait
 * at the same time from retrying at the same moment.
 *
 * @see {@link https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/}
 */
export class Backoff {
  readonly #max: number;
  #next: number;

  /**
   * Constructs a sequence of pauses.
   *
   * @param first The first pause, in milliseconds.
   * @param max The longest pause, in milliseconds.
   */
  constructor(first: number, max: number) {
    this.#next = first;
    this.#max = max;
  }

  /** Returns the next pause, in milliseconds: at least half of its step. */
  next(): number {
    const pause = this.#next;
    this.#next = Math.min(this.#max, pause * 2);
    return pause * (0.5 + Math.random() / 2);
  }
}
