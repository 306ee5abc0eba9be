import type { KeepAlive } from "../util/keep_alive.ts";
import type { PromisedCall } from "../calls/promised_call.ts";

/**
 * Counts the calls that were submitted and aren't settled yet, and keeps the
 * program alive while there are some.
 */
export class PendingCalls {
  readonly #keepAlive: KeepAlive;
  #count = 0;
  #initializers = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Constructs it without calls. */
  constructor(keepAlive: KeepAlive) {
    this.#keepAlive = keepAlive;
  }

  /** How many initializers of workers are among them. */
  get initializers(): number {
    return this.#initializers;
  }

  /** Whether there are none but initializers, which no user waits for. */
  get isIdle(): boolean {
    return this.#count <= this.#initializers;
  }

  /** Notes that a call was submitted. */
  add(): void {
    this.#count++;
    this.#keepAlive.hold();
  }

  /** Notes that an initializer was submitted. */
  addInitializer(initializer: PromisedCall<unknown>): void {
    this.add();
    this.#initializers++;
    initializer.onSettled = () => this.#initializers--;
  }

  /** Notes that calls are settled. */
  remove(calls = 1): void {
    this.#count -= calls;
    this.#keepAlive.release(calls);
    if (!this.isIdle) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Waits until there are none but initializers. */
  async idle(): Promise<void> {
    if (this.isIdle) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }
}
