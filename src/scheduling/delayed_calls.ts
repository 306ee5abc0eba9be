import type { Call } from "../calls/call.ts";
import type { CallOwner } from "../calls/call_owner.ts";

/** The pause of a call. */
interface Pause {
  readonly timer: ReturnType<typeof setTimeout>;
  /** When it is over (`performance.now()`). */
  readonly end: number;
}

/** Calls whose tasks have thrown, and that run again after a pause. */
export class DelayedCalls implements CallOwner<Call> {
  readonly #pauses = new Map<Call, Pause>();
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
    return this.#pauses.size;
  }

  /** Returns how much longer a call waits, in milliseconds; 0 if it doesn't. */
  left(call: Call): number {
    const { end = 0 } = this.#pauses.get(call) ?? {};
    return Math.max(0, end - performance.now());
  }

  /**
   * Adds a call.
   *
   * @param pause How long it waits, in milliseconds.
   */
  push(call: Call, pause: number): void {
    call.delay(this);
    const timer = setTimeout(() => {
      this.#pauses.delete(call);
      call.requeue();
      this.#due(call);
    }, pause);
    // Pending calls keep the program alive, unless nobody awaits them.
    Deno.unrefTimer(timer);
    this.#pauses.set(call, { timer, end: performance.now() + pause });
  }

  /** Removes a call. */
  release(call: Call): void {
    call.pass(undefined);
    clearTimeout(this.#pauses.get(call)?.timer);
    this.#pauses.delete(call);
  }

  /** Takes all calls. */
  drain(): Call[] {
    const calls = [...this.#pauses.keys()];
    for (const call of calls) this.release(call);
    return calls;
  }

  /** Returns an iterator over the calls, in the order in which they came. */
  [Symbol.iterator](): Iterator<Call> {
    return this.#pauses.keys();
  }
}
