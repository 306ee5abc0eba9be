/** The longest delay that a timer can have. */
export const LONGEST_DELAY = 2 ** 31 - 1;

/**
 * Keeps the program from ending while something is under way. All of a pool's
 * connections and processes are unref'ed; this one timer stands in for them.
 */
export class KeepAlive {
  #holds = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  /** Keeps the program alive until a {@linkcode KeepAlive.release} for it. */
  hold(): void {
    if (this.#holds++ > 0 || this.#isClosed) return;
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => {}, LONGEST_DELAY);
    } else this.#timer.ref();
  }

  /** Takes one or more {@linkcode KeepAlive.hold}s back. */
  release(holds = 1): void {
    this.#holds -= holds;
    if (this.#holds > 0 || this.#timer === undefined) return;
    this.#timer.unref();
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

  /** Lets the program end from now on, whatever is held. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
