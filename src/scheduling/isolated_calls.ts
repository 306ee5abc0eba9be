import type { Call, CallOwner } from "../calls/call.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/**
 * Calls that were lost with their worker and run again in isolation, each on a
 * worker that runs nothing else: any of them may have killed the worker.
 */
export class IsolatedCalls implements CallOwner {
  readonly #calls = new Set<Call>();
  /** The calls among them that must run on a certain host. */
  readonly #withHost = new Set<Call>();
  /** The workers that are kept free of other calls. */
  readonly #reserved = new Set<WorkerHandle>();

  /** How many calls wait. */
  get length(): number {
    return this.#calls.size;
  }

  /** Appends a call. */
  push(call: Call): void {
    call.pass(this);
    this.#calls.add(call);
    if (call.terms.host !== undefined) this.#withHost.add(call);
  }

  /** Returns the calls that must run on a certain host, first to last. */
  withHost(): Call[] {
    return [...this.#withHost];
  }

  /** Returns an iterator over the calls, first to last. */
  [Symbol.iterator](): Iterator<Call> {
    return this.#calls.values();
  }

  /** Takes all calls, first to last. */
  drain(): Call[] {
    const calls = [...this.#calls];
    for (const call of calls) this.release(call);
    return calls;
  }

  /** Removes a call. */
  release(call: Call): void {
    call.pass(undefined);
    this.#calls.delete(call);
    this.#withHost.delete(call);
  }

  /**
   * Sends calls to idle workers. If all workers are busy, one worker for each
   * call gets no new calls until it or another worker is idle.
   *
   * @param send Sends a call to a worker.
   */
  dispatch(
    workers: readonly WorkerHandle[],
    send: (worker: WorkerHandle, call: Call) => void,
  ): void {
    this.#unreserve();
    for (const call of this.#calls) {
      if (!workers.some(({ isOpen }) => isOpen)) return;
      const worker = leastBusy(workers, call.terms.host);
      if (worker === undefined) continue;
      if (worker.window.calls > 0) {
        this.#reserve(worker, "draining");
        continue;
      }
      this.release(call);
      send(worker, call);
      // If the call couldn't be sent, the worker stays free for others.
      if (worker.window.calls > 0) this.#reserve(worker, "isolated");
    }
  }

  #reserve(worker: WorkerHandle, reservation: "isolated" | "draining"): void {
    worker.reservation = reservation;
    this.#reserved.add(worker);
  }

  /** Frees the workers whose isolated call ended, and all draining workers. */
  #unreserve(): void {
    for (const worker of this.#reserved) {
      const isRunning = worker.reservation === "isolated" &&
        worker.window.calls > 0 && !worker.lost;
      if (isRunning) continue;
      worker.reservation = undefined;
      this.#reserved.delete(worker);
    }
  }
}

function leastBusy(
  workers: readonly WorkerHandle[],
  host: string | undefined,
): WorkerHandle | undefined {
  let least: WorkerHandle | undefined;
  for (const worker of workers) {
    if (!worker.isOpen || !worker.isAt(host)) continue;
    if (least === undefined || worker.window.calls < least.window.calls) {
      least = worker;
    }
  }
  return least;
}
