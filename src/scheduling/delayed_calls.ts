import type { Call } from "../calls/call.ts";
import type { CallOwner } from "../calls/call_owner.ts";

/** Calls whose tasks have thrown, and that run again after a pause. */
export class DelayedCalls implements CallOwner<Call> {
  readonly #timers = new Map<Call, ReturnType<typeof setTimeout>>();
  readonly #due: (call: Call) => void;

  /**
   * Constructs an empty set.
   *
   * @param due Takes a call whose pause is over, and which is queued again.
   */
  constructor(due: (call: Call) => void) {
    this.#due = due;
  }

  /** How many calls wait. */
  get length(): number {
    return this.#timers.size;
  }

  /**
   * Adds a call.
   *
   * @param pause How long it waits, in milliseconds.
   */
  push(call: Call, pause: number): void {
    call.delay(this);
    const timer = setTimeout(() => {
      this.#timers.delete(call);
      call.requeue();
      this.#due(call);
    }, pause);
    // Pending calls keep the program alive, unless nobody awaits them.
    Deno.unrefTimer(timer);
    this.#timers.set(call, timer);
  }

  /** Removes a call. */
  release(call: Call): void {
    call.pass(undefined);
    clearTimeout(this.#timers.get(call));
    this.#timers.delete(call);
  }

  /** Takes all calls. */
  drain(): Call[] {
    const calls = [...this.#timers.keys()];
    for (const call of calls) this.release(call);
    return calls;
  }

  /** Returns an iterator over the calls, in the order in which they came. */
  [Symbol.iterator](): Iterator<Call> {
    return this.#timers.keys();
  }
}
