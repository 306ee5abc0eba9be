import type { KeepAlive } from "../util/keep_alive.ts";
import type { CallObserver, CallState } from "./call.ts";

/**
 * Counts the calls that aren't settled, and keeps the program alive while
 * there are some.
 */
export class CallCounts implements CallObserver {
  readonly #keepAlive: KeepAlive;
  readonly #onSettled: () => void;
  #pending = 0;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /**
   * Constructs the counts of no calls.
   *
   * @param onSettled Called after each call that is settled.
   */
  constructor(keepAlive: KeepAlive, onSettled: () => void) {
    this.#keepAlive = keepAlive;
    this.#onSettled = onSettled;
  }

  /** How many calls are with a worker, awaited or abandoned. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether no call is pending. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Waits until no call is pending. */
  async idle(): Promise<void> {
    if (this.isIdle) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Counts a transition. */
  moved(from: CallState | undefined, to: CallState): void {
    if (from === undefined) {
      this.#pending++;
      this.#keepAlive.hold();
    }
    const wasInFlight = from === "sent" || from === "abandoned";
    const isInFlight = to === "sent" || to === "abandoned";
    if (isInFlight !== wasInFlight) this.#inFlight += isInFlight ? 1 : -1;
    if (to === "settled") this.#settled();
  }

  #settled(): void {
    this.#keepAlive.release();
    if (--this.#pending === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    this.#onSettled();
  }
}
