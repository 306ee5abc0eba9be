import type { Call, CallOwner } from "../calls/call.ts";
import { Queue } from "../util/queue.ts";

/** How many released calls may stay in the list before they are removed. */
const MIN_RELEASED = 32;

/**
 * A FIFO queue of calls that wait for a worker. Releasing a call from anywhere
 * in the list takes amortized constant time.
 */
export class CallList implements CallOwner {
  readonly #calls = new Queue<Call>();
  #length = 0;

  /** How many calls wait. */
  get length(): number {
    return this.#length;
  }

  /** Appends a call. */
  push(call: Call): void {
    call.pass(this);
    this.#calls.push(call);
    this.#length++;
  }

  /** Puts a call before all others. */
  unshift(call: Call): void {
    call.pass(this);
    this.#calls.unshift(call);
    this.#length++;
  }

  /** Yields the calls, first to last. */
  *[Symbol.iterator](): Generator<Call> {
    for (const call of this.#calls.toArray()) {
      if (call.isWith(this)) yield call;
    }
  }

  /** Returns the first call, or `undefined` if there is none. */
  peek(): Call | undefined {
    for (;;) {
      const call = this.#calls.peek();
      if (call === undefined || call.isWith(this)) return call;
      this.#calls.shift();
    }
  }

  /** Takes the first call. */
  shift(): Call | undefined {
    for (;;) {
      const call = this.#calls.shift();
      if (call === undefined) return undefined;
      if (!call.isWith(this)) continue;
      call.pass(undefined);
      this.#length--;
      return call;
    }
  }

  /** Takes all calls, first to last. */
  drain(): Call[] {
    const calls = this.#calls.drain().filter((call) => call.isWith(this));
    for (const call of calls) call.pass(undefined);
    this.#length = 0;
    return calls;
  }

  /** Removes a call from anywhere in the list. */
  release(call: Call): void {
    call.pass(undefined);
    this.#length--;
    const released = this.#calls.length - this.#length;
    // Released calls may hold large arguments. Removing them only when they are
    // the majority keeps the amortized cost constant.
    if (this.#length === 0) this.#calls.drain();
    else if (released > Math.max(this.#length, MIN_RELEASED)) {
      this.#calls.retain((call) => call.isWith(this));
    }
  }
}
