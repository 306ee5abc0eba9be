/**
 * A promise that detects, at nearly no cost, whether anything awaits it or
 * attaches a callback.
 *
 * `await`, `then()`, `Promise.all()` and similar functions read a promise's
 * `constructor`. If it is `Promise`, they take their fast path.
 *
 * @see {@link https://tc39.es/ecma262/#sec-promise-resolve}
 * @see {@link https://tc39.es/ecma262/#sec-promise.prototype.then}
 */
export class ObservedPromise<T> extends Promise<T> {
  #isAttached = false;
  #onAttach: (() => void) | undefined;

  static {
    Object.defineProperty(this.prototype, "constructor", {
      get(this: ObservedPromise<unknown>) {
        this.#attach();
        return Promise;
      },
    });
  }

  /** Whether anything was attached to the promise. */
  get isAttached(): boolean {
    return this.#isAttached;
  }

  /**
   * Calls `callback` when something is first attached to the promise, after the
   * callbacks of earlier calls.
   */
  whenAttached(callback: () => void): void {
    const earlier = this.#onAttach;
    this.#onAttach = earlier === undefined ? callback : () => {
      earlier();
      callback();
    };
  }

  /** Prevents an unhandled rejection, without counting as attached. */
  ignoreRejection(): void {
    const wasAttached = this.#isAttached;
    const onAttach = this.#onAttach;
    this.#onAttach = undefined;
    this.catch(() => {});
    this.#isAttached = wasAttached;
    this.#onAttach = onAttach;
  }

  #attach(): void {
    if (this.#isAttached) return;
    this.#isAttached = true;
    this.#onAttach?.();
  }
}
