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
 *
 * A call that was answered elsewhere harms nobody while its worker isn't needed,
 * so it gets ten grace periods then.
 */
export class GracePeriod {
  readonly #calls: CallsInFlight;
  readonly #milliseconds: number;
  readonly #end: () => void;
  readonly #isNeeded: () => boolean;
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
   * @param isNeeded Returns whether anything waits for a worker.
   */
  constructor(
    calls: CallsInFlight,
    milliseconds: number,
    end: () => void,
    isNeeded: () => boolean = () => true,
  ) {
    this.#calls = calls;
    this.#milliseconds = milliseconds;
    this.#end = end;
    this.#isNeeded = isNeeded;
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
      if (first !== undefined) this.#expire(first);
    }
    if (this.#isOver && this.#calls.isAbandoned) this.#end();
  }

  /** Stops watching, because the worker is lost. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #expire(call: Call): Promise<void> {
    for (let period = 1;; period++) {
      await this.#wait(this.#milliseconds, call);
      if (!this.#times(call)) return;
      const mayContinue = call.isOutrun && !this.#isNeeded();
      if (!mayContinue || period === DRAIN_FACTOR) break;
    }
    for (let turn = 0; turn < TURNS; turn++) {
      if (!this.#times(call)) return;
      await this.#wait(0, call);
    }
    if (!this.#times(call)) return;
    this.#isOver = true;
    if (this.#calls.isAbandoned) return this.#end();
    this.#timer = setTimeout(this.#end, this.#milliseconds * DRAIN_FACTOR);
  }

  /** Returns whether a call is still being timed. */
  #times(call: Call): boolean {
    return !this.#isClosed && this.#call === call;
  }

  /** Waits, unless the timer is cleared: none may outlive the worker. */
  #wait(milliseconds: number, { isOutrun }: Call): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = setTimeout(resolve, milliseconds);
      if (isOutrun) Deno.unrefTimer(this.#timer);
    });
  }
}
