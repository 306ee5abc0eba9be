import type { KeepAlive } from "./keep_alive.ts";

/**
 * Counts the calls that were submitted and aren't settled yet, and keeps the
 * program alive while there are some.
 */
export class PendingCalls {
  readonly #keepAlive: KeepAlive;
  #count = 0;
  #none: PromiseWithResolvers<void> | undefined;

  /** Constructs it without calls. */
  constructor(keepAlive: KeepAlive) {
    this.#keepAlive = keepAlive;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Notes that a call was submitted. */
  add(): void {
    this.#count++;
    this.#keepAlive.hold();
  }

  /** Notes that calls are settled. */
  remove(calls = 1): void {
    this.#count -= calls;
    this.#keepAlive.release(calls);
    if (this.#count > 0) return;
    this.#none?.resolve();
    this.#none = undefined;
  }

  /** Waits until there are none. */
  async none(): Promise<void> {
    if (this.#count === 0) return;
    this.#none ??= Promise.withResolvers();
    await this.#none.promise;
  }
}
