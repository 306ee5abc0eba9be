import type { Call } from "../calls/call.ts";
import type { CallCounts } from "../calls/call_counts.ts";
import type { Barrier } from "./barrier.ts";
import type { PendingQueue } from "./pending_queue.ts";
import type { WorkerSet } from "./worker_set.ts";

/**
 * Fails the calls that are left when a pool ends. Once it has cancelled the
 * queued ones, it also fails those that would be queued again.
 */
export class Cancellation {
  readonly #pending: PendingQueue;
  readonly #workers: WorkerSet;
  readonly #counts: CallCounts;
  /** Creates the error for each call to be queued again. */
  #reason: (() => Error) | undefined;

  /** Constructs an object that hasn't cancelled anything yet. */
  constructor(pending: PendingQueue, workers: WorkerSet, counts: CallCounts) {
    this.#pending = pending;
    this.#workers = workers;
    this.#counts = counts;
  }

  /** Whether queued calls were cancelled. */
  get hasBegun(): boolean {
    return this.#reason !== undefined;
  }

  /**
   * Fails a call that would be queued again, if queued calls were cancelled.
   *
   * @returns Whether they were.
   */
  fails(call: Call): boolean {
    if (this.#reason === undefined) return false;
    call.fail(this.#reason());
    return true;
  }

  /** Fails the calls that were queued again, if queued calls were cancelled. */
  repeat(): void {
    if (this.#reason !== undefined) this.cancelQueued(this.#reason);
  }

  /**
   * Fails all queued calls, and later the calls that would be queued again
   * because their worker is lost.
   *
   * @param reason Creates an error for each call.
   */
  cancelQueued(reason: () => Error): void {
    this.#reason ??= reason;
    const { calls, barriers } = this.#pending.drain();
    for (const call of calls) call.fail(reason());
    for (const barrier of barriers) barrier.fail(reason());
  }

  /**
   * Fails all calls, queued or in flight. Calls that nobody awaits cause no
   * unhandled rejections.
   *
   * @param reason Creates an error for each call.
   */
  cancelAll(reason: () => Error): void {
    for (const call of this.#unawaited()) call.ignoreFailure();
    for (const barrier of this.#unawaitedBarriers()) barrier.ignoreFailure();
    this.cancelQueued(reason);
    for (const { calls } of this.#workers) {
      for (const call of [...calls]) call.fail(reason());
    }
  }

  /**
   * Fails the calls that nobody awaits. Calls that have begun may continue for
   * the grace period.
   *
   * @param reason Creates an error for each call.
   * @returns How many calls were failed.
   */
  cancelUnawaited(reason: () => Error): number {
    const calls = this.#unawaited();
    for (const call of calls) {
      call.ignoreFailure();
      call.cancel(reason());
    }
    const barriers = this.#unawaitedBarriers();
    for (const barrier of barriers) {
      this.#pending.removeBarrier((one) => one === barrier);
      barrier.ignoreFailure();
      barrier.fail(reason());
    }
    return calls.length + barriers.length;
  }

  /** Stops calls that nobody awaits from keeping the program alive. */
  releaseUnawaited(): void {
    for (const call of this.#unawaited()) this.#counts.unhold(call);
    for (const barrier of this.#unawaitedBarriers()) {
      this.#counts.unhold(barrier);
    }
  }

  /** Returns the barriers that wait, and whose results nobody awaits. */
  #unawaitedBarriers(): Barrier[] {
    return this.#pending.barriers.filter(({ isAwaited }) => !isAwaited);
  }

  #unawaited(): Call[] {
    const inFlight = [...this.#workers].flatMap(({ calls }) => [...calls]);
    return [...this.#pending.calls(), ...inFlight].filter(
      ({ isAwaited, state }) => !isAwaited && state !== "abandoned",
    );
  }
}
