import type { Call } from "../calls/call.ts";
import type { Placement } from "../calls/placement.ts";
import { type AffinityList, AffinityLists } from "./affinity_lists.ts";
import type { CallList } from "./call_list.ts";
import type { KeyedWorkers } from "./keyed_workers.ts";
import type { ResourceList } from "./resource_claim.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** With more levels than this, those that are empty are removed. */
const MAX_EMPTY = 64;

/** The priority of calls for which none is given. */
const NORMAL = 0;

/** Waiting calls, by priority and by where they may run. */
export class PriorityLists {
  readonly #normal = new AffinityLists(NORMAL);
  /** The lists of each priority in use, the highest first, with `#normal`. */
  #levels: AffinityLists[] = [this.#normal];
  /** How many levels there may be before those that are empty are removed. */
  #maxLevels = MAX_EMPTY;

  /** The lists of each priority in use, the highest first. */
  get levels(): readonly AffinityLists[] {
    return this.#levels;
  }

  /** How many calls wait. */
  get length(): number {
    let length = 0;
    for (const level of this.#levels) length += level.length;
    return length;
  }

  /**
   * Returns how many calls with a placement and at least this priority wait.
   *
   * @param placement `undefined`: without a placement.
   */
  waiting(placement: Placement | undefined, priority: number): number {
    let waiting = 0;
    for (const level of this.#levels) {
      if (level.priority < priority) break;
      waiting += level.waiting(placement);
    }
    return waiting;
  }

  /**
   * Returns how many calls with the same placement wait before a call;
   * `undefined` if it doesn't wait here.
   */
  before(call: Call): number | undefined {
    let higher = 0;
    for (const level of this.#levels) {
      const list = level.listOf(call);
      if (list !== undefined) return higher + list.before(call);
      higher += level.waiting(call.terms.placement);
    }
    return undefined;
  }

  /** Appends a call to those of its priority. */
  push(call: Call): void {
    this.#levelOf(call).push(call);
  }

  /**
   * Puts calls before all others of their priority, and keeps their order.
   *
   * @param keyed Knows the workers of the calls that have keys.
   */
  unshift(calls: readonly Call[], keyed: KeyedWorkers): void {
    for (const call of calls.toReversed()) {
      this.#levelOf(call).unshift([call], keyed);
    }
  }

  /** Returns the list for further calls with a placement and no priority. */
  listFor(placement: Placement | undefined): CallList {
    return this.#normal.listFor(placement);
  }

  /** Returns the lists that aren't empty. */
  lists(): readonly AffinityList[] {
    return this.#levels.length === 1
      ? this.#normal.lists()
      : this.#levels.flatMap((level) => level.lists());
  }

  /** The lists of calls that take resources and aren't empty, by themselves. */
  get resourceLists(): ReadonlyMap<object, ResourceList> {
    if (this.#levels.length === 1) return this.#normal.resourceLists;
    const lists = this.#levels.flatMap((level) => [...level.resourceLists]);
    return new Map(lists);
  }

  /** Returns all waiting calls. */
  calls(): Call[] {
    return this.#levels.flatMap((level) => level.calls());
  }

  /**
   * Returns whether calls that take no resources wait and could run on a worker.
   *
   * @param priority The least priority of those that count.
   * @param isHigher Whether only those of a higher priority count.
   */
  hasFor(worker: WorkerHandle, priority: number, isHigher: boolean): boolean {
    for (const level of this.#levels) {
      const counts = level.priority > priority ||
        level.priority === priority && !isHigher;
      if (!counts) return false;
      if (level.hasFor(worker)) return true;
    }
    return false;
  }

  /** Takes all calls; those of a priority and a placement stay in order. */
  drain(): Call[] {
    return this.#levels.flatMap((level) => level.drain());
  }

  #levelOf({ terms: { priority } }: Call): AffinityLists {
    return priority === undefined ? this.#normal : this.#levelFor(priority);
  }

  #levelFor(priority: number): AffinityLists {
    const levels = this.#levels;
    let low = 0;
    let high = levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (levels[middle]!.priority > priority) low = middle + 1;
      else high = middle;
    }
    const found = levels[low];
    if (found?.priority === priority) return found;
    const level = new AffinityLists(priority);
    levels.splice(low, 0, level);
    if (levels.length > this.#maxLevels) this.#removeEmpty(level);
    return level;
  }

  /** Removes empty levels: programs may use ever new priorities. */
  #removeEmpty(kept: AffinityLists): void {
    this.#levels = this.#levels.filter((level) =>
      level === kept || level === this.#normal || level.length > 0
    );
    this.#maxLevels = Math.max(MAX_EMPTY, this.#levels.length * 2);
  }
}
