import type { Call } from "./call.ts";
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
    const { host } = call;
    if (host === undefined) return this.#anywhere.push(call);
    let queue = this.#placed.get(host);
    if (queue === undefined) {
      queue = new CallQueue();
      this.#placed.set(host, queue);
    }
    queue.push(call);
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
