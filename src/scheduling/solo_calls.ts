import type { Call } from "../calls/call.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/**
 * Calls that run alone on their worker, because a worker was lost with them
 * and it isn't known which one was to blame.
 */
export class SoloCalls {
  /** Those that wait; one that is lost once more waits again. */
  readonly #calls = new Set<Call>();
  /** Those of them that must run at a certain host. */
  readonly #placed = new Set<Call>();

  /** How many wait. */
  get length(): number {
    return this.#calls.size;
  }

  /** Appends a call. */
  push(call: Call): void {
    call.queue = this;
    this.#calls.add(call);
    if (call.terms.host !== undefined) this.#placed.add(call);
  }

  /** The calls that must run at a certain host, first to last. */
  placed(): Call[] {
    return [...this.#placed];
  }

  /** Takes the first call. */
  shift(): Call | undefined {
    const [call] = this.#calls;
    if (call !== undefined) this.remove(call);
    return call;
  }

  /** Takes a call out, wherever it is. */
  remove(call: Call): void {
    call.queue = undefined;
    this.#calls.delete(call);
    this.#placed.delete(call);
  }

  /**
   * Sends calls to workers that have nothing else. Where all are busy, one for
   * each call gets nothing more until it is free, or another one is.
   *
   * @param send Sends a call to a worker.
   */
  dispatch(
    links: readonly WorkerHandle[],
    send: (link: WorkerHandle, call: Call) => void,
  ): void {
    for (const link of links) {
      if (link.window.calls === 0 || link.reserved === "draining") {
        link.reserved = undefined;
      }
    }
    for (const call of this.#calls) {
      if (!links.some(({ isOpen }) => isOpen)) return;
      const link = leastBusy(links, call.terms.host);
      if (link?.window.calls === 0) {
        this.remove(call);
        send(link, call);
        // One that couldn't be sent leaves the worker to others.
        if (link.window.calls > 0) link.reserved = "alone";
      } else if (link !== undefined) link.reserved = "draining";
    }
  }
}

function leastBusy(
  links: readonly WorkerHandle[],
  host: string | undefined,
): WorkerHandle | undefined {
  let least: WorkerHandle | undefined;
  for (const link of links) {
    if (!link.isOpen || !link.isAt(host)) continue;
    if (least === undefined || link.window.calls < least.window.calls) {
      least = link;
    }
  }
  return least;
}
