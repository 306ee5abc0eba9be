import { LeastDuration } from "./least_duration.ts";

/** What the windows of a pool's workers have in common. */
export class SharedPace {
  #limit = 1;
  #sending = 0;
  /** How long a call takes any of the workers. */
  readonly duration: LeastDuration = new LeastDuration();

  /** The limit of the windows that were adapted last. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * For how long the pool has been sending calls in total, in milliseconds.
   * Meanwhile it read no answers, and its messages may not have left.
   */
  get sending(): number {
    return this.#sending;
  }

  /** Takes note that the pool was sending calls, in milliseconds. */
  sent(milliseconds: number): void {
    this.#sending += milliseconds;
  }

  /** Takes note of the limit of a window that was adapted. */
  adapted(limit: number): void {
    // A single window may have a small one.
    this.#limit = Math.max(limit, Math.floor(this.#limit / 2));
  }
}
