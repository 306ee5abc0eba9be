import type { Call } from "../calls/call.ts";
import type { Cancellation } from "./cancellation.ts";
import type { LostCallsEvents } from "./lost_calls.ts";
import type { PendingQueue } from "./pending_queue.ts";

/** Queues calls again; fails them if queued calls were cancelled. */
export class RequeuedCalls implements LostCallsEvents {
  readonly #pending: PendingQueue;
  readonly #cancellation: Cancellation;
  readonly #wake: () => void;

  /**
   * Constructs an object that queues calls again.
   *
   * @param wake Schedules a dispatch.
   */
  constructor(
    pending: PendingQueue,
    cancellation: Cancellation,
    wake: () => void,
  ) {
    this.#pending = pending;
    this.#cancellation = cancellation;
    this.#wake = wake;
  }

  /** Queues a call behind all others. */
  push(call: Call): void {
    if (this.#cancellation.fails(call)) return;
    this.#pending.push(call);
    this.#wake();
  }

  /** Puts calls before all others. */
  moved(calls: readonly Call[]): void {
    this.#pending.unshift(calls);
    this.#cancellation.repeat();
  }

  /** Queues a call whose task threw again after a pause. */
  delay(call: Call, pause: number): void {
    if (this.#cancellation.fails(call)) return;
    this.#pending.delay(call, pause);
  }

  /** Queues a lost call, or one of its parts, to run in isolation. */
  rerun(call: Call): void {
    if (this.#cancellation.fails(call)) return;
    this.#pending.pushIsolated(call);
    this.#wake();
  }
}
