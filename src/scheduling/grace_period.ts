import type { Call } from "../calls/call.ts";
import type { CallsInFlight } from "./calls_in_flight.ts";

/**
 * Other calls get this many grace periods to end before the worker is killed.
 */
const DRAIN_FACTOR = 10;

/**
 * How many turns of the event loop pass before a grace period counts as over: if
 * the program was busy, the call's result may have arrived unread.
 */
const TURNS = 2;

/**
 * Gives an abandoned call time to end. After that it kills the worker: at once
 * if no other call may be running; otherwise when the other calls have ended,
 * or after ten more grace periods.
 */
export class GracePeriod {
  readonly #calls: CallsInFlight;
  readonly #milliseconds: number;
  readonly #end: () => void;
  /** The abandoned call that is being timed. */
  #call: Call | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #isClosed = false;

  /**
   * Constructs the grace period of a worker.
   *
   * @param milliseconds The time that an abandoned call gets.
   * @param end Kills the worker.
   */
  constructor(calls: CallsInFlight, milliseconds: number, end: () => void) {
    this.#calls = calls;
    this.#milliseconds = milliseconds;
    this.#end = end;
  }

  /**
   * Whether the time is over: the worker is killed when its other calls end.
   */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Checks again which abandoned call may be running. */
  watch(): void {
    if (this.#isClosed) return;
    const first = this.#calls.firstAbandoned;
    if (first !== this.#call) {
      clearTimeout(this.#timer);
      this.#call = first;
      this.#isOver = false;
      if (first !== undefined) {
        this.#expireAfter(this.#milliseconds, TURNS);
      }
    }
    if (this.#isOver && this.#calls.isAbandoned) this.#end();
  }

  /** Stops watching, because the worker is lost. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  // All turns are timers that can be cleared: none may outlive the worker.
  #expireAfter(milliseconds: number, turns: number): void {
    this.#timer = setTimeout(() => this.#expire(turns), milliseconds);
  }

  #expire(turns: number): void {
    if (turns > 0) return this.#expireAfter(0, turns - 1);
    this.#isOver = true;
    if (this.#calls.isAbandoned) return this.#end();
    this.#timer = setTimeout(this.#end, this.#milliseconds * DRAIN_FACTOR);
  }
}
