import type { Call } from "../calls/call.ts";
import { withoutFrames } from "../calls/caller_trace.ts";

/**
 * How many turns of the event loop pass before a time is up: if the program was
 * busy, the call's result may have arrived unread.
 */
const TURNS = 2;

/** Measures for how long tasks run. */
export class RunClocks {
  readonly #timers = new Map<Call, ReturnType<typeof setTimeout>>();
  readonly #expired: (call: Call, error: DOMException) => void;

  /**
   * Constructs clocks that time no call.
   *
   * @param expired Ends the run of a call whose time is up, with this error.
   */
  constructor(expired: (call: Call, error: DOMException) => void) {
    this.#expired = expired;
  }

  /** Returns whether a call is being timed. */
  has(call: Call): boolean {
    return this.#timers.has(call);
  }

  /** Begins to time a call. */
  begin(call: Call, milliseconds: number): void {
    this.#wait(call, milliseconds, () => this.#look(call, milliseconds, TURNS));
  }

  /** Stops timing a call that was answered, or isn't at its worker any more. */
  end(call: Call): void {
    clearTimeout(this.#timers.get(call));
    this.#timers.delete(call);
  }

  /** Stops timing all calls, because their worker is lost. */
  close(): void {
    for (const call of [...this.#timers.keys()]) this.end(call);
  }

  #look(call: Call, milliseconds: number, turns: number): void {
    if (turns > 0) {
      return this.#wait(
        call,
        0,
        () => this.#look(call, milliseconds, turns - 1),
      );
    }
    this.#timers.delete(call);
    this.#expired(call, ranTooLong(milliseconds));
  }

  /** The timer alone doesn't keep the program alive: the call does. */
  #wait(call: Call, milliseconds: number, then: () => void): void {
    const timer = setTimeout(then, milliseconds);
    Deno.unrefTimer(timer);
    this.#timers.set(call, timer);
  }
}

function ranTooLong(milliseconds: number): DOMException {
  return withoutFrames(
    new DOMException(
      `The task ran longer than its 'runTimeout' of ${milliseconds} ms`,
      "TimeoutError",
    ),
  );
}
