import type { Call } from "../calls/call.ts";
import { CallQueue } from "./call_queue.ts";

/**
 * Calls that wait for a worker: those that any worker can take, and those for
 * the workers of one host.
 */
export class Backlog {
  readonly #anywhere = new CallQueue();
  readonly #placed = new Map<string, CallQueue>();
  #turn = 0;

  /** How many calls wait. */
  get length(): number {
    let length = this.#anywhere.length;
    for (const queue of this.#placed.values()) length += queue.length;
    return length;
  }

  /** How many calls wait for a host; `undefined`: for any. */
  waiting(host: string | undefined): number {
    if (host === undefined) return this.#anywhere.length;
    return this.#placed.get(host)?.length ?? 0;
  }

  /** Appends a call. */
  push(call: Call): void {
    this.#queueOf(call).push(call);
  }

  /** Appends all calls of another backlog, which is left empty. */
  append(other: Backlog): void {
    for (const [, queue] of other.queues()) {
      for (const call of queue.waiting()) {
        queue.remove(call);
        this.push(call);
      }
    }
  }

  #queueOf(call: Call): CallQueue {
    const { host } = call.terms;
    if (host === undefined) return this.#anywhere;
    let queue = this.#placed.get(host);
    if (queue === undefined) {
      queue = new CallQueue();
      this.#placed.set(host, queue);
    }
    return queue;
  }

  /** Puts calls back that were taken, before all others. */
  putBack(calls: readonly Call[]): void {
    for (const call of calls.toReversed()) this.#queueOf(call).unshift(call);
  }

  /**
   * The queues that calls wait in, by host; `undefined`: for any. Each time
   * another one is first, so that none waits in vain.
   */
  queues(): [host: string | undefined, queue: CallQueue][] {
    const queues: [string | undefined, CallQueue][] = [];
    for (const entry of this.#placed) {
      if (entry[1].length > 0) queues.push(entry);
    }
    if (this.#anywhere.length > 0) queues.push([undefined, this.#anywhere]);
    if (queues.length < 2) return queues;
    const first = this.#turn++ % queues.length;
    return [...queues.slice(first), ...queues.slice(0, first)];
  }
}
