import type { Call } from "../calls/call.ts";
import type { Placement } from "../calls/placement.ts";
import { CallList } from "./call_list.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Calls that wait for a worker. */
export interface ParkedList {
  /** The worker of their keys. */
  readonly worker: WorkerHandle;
  /** What they take of its machine; `undefined`: nothing. */
  readonly placement: Placement | undefined;
  /** The calls. */
  readonly calls: CallList;
}

/** Calls with keys that wait until the workers of their keys have room. */
export class ParkedCalls {
  readonly #lists = new Map<
    WorkerHandle,
    Map<Placement | undefined, ParkedList>
  >();

  /** How many calls wait. */
  get length(): number {
    let length = 0;
    for (const { calls } of this.lists()) length += calls.length;
    return length;
  }

  /** Returns whether calls that take no resources wait for a worker. */
  has(worker: WorkerHandle): boolean {
    const list = this.#lists.get(worker)?.get(undefined);
    return list !== undefined && list.calls.length > 0;
  }

  /** Appends a call. */
  push(worker: WorkerHandle, call: Call): void {
    this.#listFor(worker, call).push(call);
  }

  /** Puts a call before all others of the worker. */
  unshift(worker: WorkerHandle, call: Call): void {
    this.#listFor(worker, call).unshift(call);
  }

  /** Yields the lists that aren't empty. */
  *lists(): Generator<ParkedList> {
    for (const [worker, lists] of this.#lists) {
      for (const [placement, list] of lists) {
        if (list.calls.length > 0) yield list;
        else lists.delete(placement);
      }
      if (lists.size === 0) this.#lists.delete(worker);
    }
  }

  /**
   * Takes the calls of some workers.
   *
   * @param isTaken Returns whether the calls of a worker are taken.
   */
  take(isTaken: (worker: WorkerHandle) => boolean): Call[] {
    const taken: Call[] = [];
    for (const { worker, calls } of this.lists()) {
      if (isTaken(worker)) taken.push(...calls.drain());
    }
    return taken;
  }

  #listFor(worker: WorkerHandle, { terms }: Call): CallList {
    const placement = terms.placement?.needs && terms.placement;
    const lists = this.#lists.get(worker) ?? new Map();
    this.#lists.set(worker, lists);
    let list: ParkedList | undefined = lists.get(placement);
    if (list === undefined) {
      list = { worker, placement, calls: new CallList() };
      lists.set(placement, list);
    }
    return list.calls;
  }
}
