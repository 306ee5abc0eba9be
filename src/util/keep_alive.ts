/** The longest delay of a timer, in milliseconds. */
export const LONGEST_DELAY = 2 ** 31 - 1;

/**
 * Keeps the program alive while work is pending. All connections and processes
 * of a pool are unref'ed; this single timer stands in for them.
 *
 * It doesn't call the timer's methods: fake timers may be numbers.
 */
export class KeepAlive {
  #holds = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  /** Keeps the program alive until a matching {@linkcode KeepAlive.release}. */
  hold(): void {
    if (this.#holds++ > 0 || this.#isClosed) return;
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => {}, LONGEST_DELAY);
    } else Deno.refTimer(this.#timer);
  }

  /** Undoes one or more calls of {@linkcode KeepAlive.hold}. */
  release(holds = 1): void {
    this.#holds -= holds;
    if (this.#holds > 0 || this.#timer === undefined) return;
    Deno.unrefTimer(this.#timer);
  }

  /** Keeps the program alive until a promise is settled. */
  async during<T>(promise: Promise<T>): Promise<T> {
    this.hold();
    try {
      return await promise;
    } finally {
      this.release();
    }
  }

  /** Clears the timer, and ignores later calls of {@linkcode KeepAlive.hold}. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
