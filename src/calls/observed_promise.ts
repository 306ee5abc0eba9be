/**
 * A promise that knows whether somebody awaits it, or has attached to it in any
 * other way, at nearly no cost.
 *
 * `await`, `then()`, `Promise.all()` and their like all read a promise's
 * `constructor`, and take their fast path if it is `Promise`.
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

  /** Whether somebody has attached to it. */
  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** Calls `callback` when somebody attaches to it for the first time. */
  whenAttached(callback: () => void): void {
    this.#onAttach = callback;
  }

  /** Keeps its rejection from being reported as unhandled. */
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
