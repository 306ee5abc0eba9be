import type { Call } from "../calls/call.ts";
import { Queue } from "../util/queue.ts";

/** Cancelled calls that are tolerated before they are cut out. */
const MIN_CANCELLED = 32;

/** Calls that wait for a worker, of which some may be cancelled meanwhile. */
export class CallQueue {
  readonly #calls = new Queue<Call>();
  #length = 0;

  /** How many calls wait that weren't cancelled. */
  get length(): number {
    return this.#length;
  }

  /** Appends a call. */
  push(call: Call): void {
    call.queue = this;
    this.#calls.push(call);
    this.#length++;
  }

  /** Puts a call before all others. */
  unshift(call: Call): void {
    call.queue = this;
    this.#calls.unshift(call);
    this.#length++;
  }

  /** Takes the first call that wasn't cancelled. */
  shift(): Call | undefined {
    for (;;) {
      const call = this.#calls.shift();
      if (call === undefined) return undefined;
      if (call.queue !== this) continue;
      call.queue = undefined;
      this.#length--;
      return call;
    }
  }

  /** The calls that wait, first to last. */
  waiting(): Call[] {
    return this.#calls.toArray().filter((call) => call.queue === this);
  }

  /** Takes a call out, wherever it is. */
  remove(call: Call): void {
    call.queue = undefined;
    this.#length--;
    const cancelled = this.#calls.length - this.#length;
    // Their arguments may be large. Waiting until most are such keeps the cost
    // of each the same, however many calls there are.
    if (this.#length === 0) this.#calls.drain();
    else if (cancelled > Math.max(this.#length, MIN_CANCELLED)) {
      this.#calls.retain((call) => call.queue === this);
    }
  }
}
