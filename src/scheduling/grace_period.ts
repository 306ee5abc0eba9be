import type { Call } from "../calls/call.ts";
import type { CallsInFlight } from "./calls_in_flight.ts";
import { nextTurn } from "../util/next_turn.ts";

/** How many times longer other calls may go on before a worker is ended. */
const DRAIN_FACTOR = 10;

/**
 * Gives abandoned calls some time to end. After that it ends their worker, as
 * soon as that harms no other call.
 */
export class GracePeriod {
  readonly #calls: CallsInFlight;
  readonly #milliseconds: number;
  readonly #end: () => void;
  /** The call whose time is running. */
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

  /** Whether the worker ends once its other calls have finished. */
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
        this.#timer = setTimeout(() => this.#expire(first), this.#milliseconds);
      }
    }
    if (this.#isOver && this.#calls.isAbandoned) this.#end();
  }

  /** Stops watching, as the worker is lost. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #expire(call: Call): Promise<void> {
    // If the program was busy, it has yet to read that the call has ended.
    await nextTurn();
    if (this.#isClosed || this.#call !== call) return;
    this.#isOver = true;
    if (this.#calls.isAbandoned) return this.#end();
    this.#timer = setTimeout(this.#end, this.#milliseconds * DRAIN_FACTOR);
  }
}
