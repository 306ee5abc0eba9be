/** The longest delay of a timer, in milliseconds. */
export const LONGEST_DELAY = 2 ** 31 - 1;

/**
 * Keeps the program alive while work is pending. All connections and processes
 * of a pool are unref'ed; this single timer stands in for them.
 */
export class KeepAlive {
  #holds = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Keeps the program alive until a matching {@linkcode KeepAlive.release}. */
  hold(): void {
    if (this.#holds++ > 0) return;
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => {}, LONGEST_DELAY);
    } else this.#timer.ref();
  }

  /** Undoes one or more calls of {@linkcode KeepAlive.hold}. */
  release(holds = 1): void {
    this.#holds -= holds;
    if (this.#holds > 0 || this.#timer === undefined) return;
    this.#timer.unref();
  }

  /** Clears the timer. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
