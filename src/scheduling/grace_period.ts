import type { Call } from "../calls/call.ts";
import type { CallsInFlight } from "./calls_in_flight.ts";
import { nextTurn } from "../util/next_turn.ts";

/** How much longer others may go on at a worker that is to be ended. */
const DRAIN_FACTOR = 10;

/**
 * Gives calls that no one waits for any more time to end. When it is over,
 * their worker is ended, as soon as that costs no other call.
 */
export class GracePeriod {
  readonly #calls: CallsInFlight;
  readonly #milliseconds: number;
  readonly #end: () => void;
  /** The call whose time runs. */
  #call: Call | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #isClosed = false;

  /**
   * Constructs the grace period of a worker.
   *
   * @param end Ends the worker.
   */
  constructor(calls: CallsInFlight, milliseconds: number, end: () => void) {
    this.#calls = calls;
    this.#milliseconds = milliseconds;
    this.#end = end;
  }

  /** Whether the worker is to be ended, and others are only let finish. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Looks again at what the worker may be busy with. */
  watch(): void {
    if (this.#isClosed) return;
    const first = this.#calls.firstAbandoned;
    if (first !== this.#call) {
      clearTimeout(this.#timer);
      this.#call = first;
      this.#isOver = false;
      if (first !== undefined) {
        this.#timer = setTimeout(() => this.#expire(first), this.#milliseconds);
      }
    }
    if (this.#isOver && this.#calls.isAbandoned) this.#end();
  }

  /** Stops watching, as the worker is gone. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #expire(call: Call): Promise<void> {
    // A program that was busy itself has yet to read that the call has ended.
    await nextTurn();
    if (this.#isClosed || this.#call !== call) return;
    this.#isOver = true;
    if (this.#calls.isAbandoned) return this.#end();
    this.#timer = setTimeout(this.#end, this.#milliseconds * DRAIN_FACTOR);
  }
}
