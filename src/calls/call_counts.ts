import type { KeepAlive } from "../util/keep_alive.ts";
import type { Call, CallObserver, CallState } from "./call.ts";

/**
 * Counts the calls that aren't settled, and keeps the program alive while
 * there are some.
 */
export class CallCounts implements CallObserver {
  readonly #keepAlive: KeepAlive;
  readonly #onSettled: () => void;
  /** Pending calls that don't keep the program alive. */
  readonly #unheld = new Set<object>();
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

  /** How many calls are not settled. */
  get pending(): number {
    return this.#pending;
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

  /** Lets the program end before a pending call, until somebody awaits it. */
  unhold(call: Call): void {
    if (call.isAwaited || this.#unheld.has(call)) return;
    this.#unheld.add(call);
    this.#keepAlive.release();
    call.whenAwaited(() => {
      if (this.#unheld.delete(call)) this.#keepAlive.hold();
    });
  }

  /** Counts a transition. */
  moved(counted: object, from: CallState | undefined, to: CallState): void {
    if (from === undefined) {
      this.#pending++;
      this.#keepAlive.hold();
    }
    const wasInFlight = from === "sent" || from === "abandoned";
    const isInFlight = to === "sent" || to === "abandoned";
    if (isInFlight !== wasInFlight) this.#inFlight += isInFlight ? 1 : -1;
    if (to === "settled") this.#settled(counted);
  }

  #settled(counted: object): void {
    const isHeld = this.#unheld.size === 0 || !this.#unheld.delete(counted);
    if (isHeld) this.#keepAlive.release();
    if (--this.#pending === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    this.#onSettled();
  }
}
