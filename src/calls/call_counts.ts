import type { KeepAlive } from "../util/keep_alive.ts";
import type { Call } from "./call.ts";
import type { CallObserver, CallState } from "./call_state.ts";

/**
 * Counts pending calls, and keeps the program alive while there are any. A call
 * is pending until it is settled.
 */
export class CallCounts implements CallObserver {
  readonly #keepAlive: KeepAlive;
  readonly #onSettled: () => void;
  /** The pending calls that don't keep the program alive. */
  readonly #unheld = new Set<object>();
  #pending = 0;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /**
   * Constructs counts of zero.
   *
   * @param onSettled Called whenever a call was settled.
   */
  constructor(keepAlive: KeepAlive, onSettled: () => void) {
    this.#keepAlive = keepAlive;
    this.#onSettled = onSettled;
  }

  /**
   * How many calls a worker has, with abandoned ones and without those that wait
   * for their readers or their arguments.
   */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many calls are pending. */
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

  /** Stops a call from keeping the program alive, until somebody awaits it. */
  unhold(call: Pick<Call, "isAwaited" | "whenAwaited">): void {
    if (call.isAwaited || this.#unheld.has(call)) return;
    this.#release(call);
    call.whenAwaited(() => this.#hold(call));
  }

  /** Returns whether what is counted keeps the program alive. */
  holds(counted: object): boolean {
    return !this.#unheld.has(counted);
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
    // While nobody reads the call's values, nobody waits for them.
    if (to === "paused") this.#release(counted);
    if (to === "settled") this.#settled(counted);
    else if (from === "paused") this.#hold(counted);
  }

  /** Counts a sent call that waits for an argument. */
  waits(_counted: object, isWaiting: boolean): void {
    this.#inFlight += isWaiting ? -1 : 1;
  }

  /** Stops a call that was answered elsewhere from keeping the program alive. */
  wasOutrun(counted: object): void {
    this.#release(counted);
  }

  #release(counted: object): void {
    if (this.#unheld.has(counted)) return;
    this.#unheld.add(counted);
    this.#keepAlive.release();
  }

  #hold(counted: object): void {
    if (this.#unheld.delete(counted)) this.#keepAlive.hold();
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
