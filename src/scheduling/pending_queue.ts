import type { Call } from "../calls/call.ts";
import type { AffinityList, AffinityLists } from "./affinity_lists.ts";
import type { Barrier } from "./barrier.ts";
import type { CallList } from "./call_list.ts";
import { DelayedCalls } from "./delayed_calls.ts";
import type { ResourceList } from "./resource_claim.ts";
import type { Placement } from "../calls/placement.ts";
import { IsolatedCalls } from "./isolated_calls.ts";
import type { KeyedWorkers } from "./keyed_workers.ts";
import { PriorityLists } from "./priority_lists.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/** Where a call waits. */
export interface WaitingPlace {
  /** How many barriers wait before it. */
  readonly barriers: number;
  /** How many calls with the same placement wait before it. */
  readonly before: number;
  /** Whether it must run in isolation. */
  readonly isIsolated: boolean;
}

/**
 * Everything that waits for a worker: calls, grouped by their priority and by
 * where they may run, barriers between them, and calls that run again, in
 * isolation or after a pause.
 */
export class PendingQueue {
  /** The calls before the first barrier. */
  #current = new PriorityLists();
  /** The barriers, each with the calls submitted after it. */
  readonly #barriers: { barrier: Barrier; after: PriorityLists }[] = [];
  readonly #keyed: KeyedWorkers;
  readonly #isolated: IsolatedCalls;
  readonly #delayed: DelayedCalls;

  /**
   * Constructs an empty queue.
   *
   * @param keyed Knows the workers of the calls that have keys.
   * @param due Called when the pause of a call is over, which is then the first
   * in the queue.
   */
  constructor(keyed: KeyedWorkers, due: () => void = () => {}) {
    this.#keyed = keyed;
    this.#isolated = new IsolatedCalls(keyed);
    this.#delayed = new DelayedCalls((call) => {
      this.unshift([call]);
      due();
    });
  }

  /** How many calls wait for a worker, before and after barriers. */
  get length(): number {
    let length = this.#isolated.length;
    for (const section of this.#sections()) length += section.length;
    return length;
  }

  /** Whether any barrier waits. */
  get hasBarriers(): boolean {
    return this.#barriers.length > 0;
  }

  /** The first barrier, if no call waits before it. */
  get nextBarrier(): Barrier | undefined {
    const before = this.#current.length + this.#isolated.length +
      this.#delayed.length;
    if (before > 0) return undefined;
    return this.#barriers[0]?.barrier;
  }

  /** The first barrier, if any waits. */
  get firstBarrier(): Barrier | undefined {
    return this.#barriers[0]?.barrier;
  }

  /** The barriers that wait. */
  get barriers(): Barrier[] {
    return this.#barriers.map(({ barrier }) => barrier);
  }

  /** How many calls wait before the first barrier, for workers or for a time. */
  get beforeBarriers(): number {
    return this.#current.length + this.#isolated.length + this.#delayed.length;
  }

  /** How many calls wait after the first barrier, without other barriers. */
  get behindBarriers(): number {
    return this.length + this.#delayed.length - this.beforeBarriers;
  }

  /** The calls that are queued again after a pause. */
  get delayed(): DelayedCalls {
    return this.#delayed;
  }

  /** Returns where a call waits, if it does. */
  locate(call: Call): WaitingPlace | undefined {
    if (this.#isolated.has(call)) {
      return { barriers: 0, before: 0, isIsolated: true };
    }
    for (const [barriers, section] of this.#sections().entries()) {
      const before = section.before(call);
      if (before !== undefined) return { barriers, before, isIsolated: false };
    }
    return undefined;
  }

  /** Appends a call, after all barriers. */
  push(call: Call): void {
    this.#last.push(call);
  }

  /**
   * Returns the list for further calls without a priority, and with a placement
   * or without one.
   */
  listFor(placement: Placement | undefined): CallList {
    return this.#last.listFor(placement);
  }

  /** Puts calls before all others of their priority, and keeps their order. */
  unshift(calls: readonly Call[]): void {
    this.#current.unshift(calls, this.#keyed);
  }

  /** Appends a call that must run in isolation. */
  pushIsolated(call: Call): void {
    this.#isolated.push(call);
  }

  /** Adds a call that is queued again after a pause, in milliseconds. */
  delay(call: Call, pause: number): void {
    this.#delayed.push(call, pause);
  }

  /** Appends a barrier. */
  pushBarrier(barrier: Barrier): void {
    this.#barriers.push({ barrier, after: new PriorityLists() });
  }

  /**
   * Removes the first barrier that matches. The calls after it are appended to
   * the calls before it.
   *
   * @param isBarrier Returns whether a barrier matches.
   * @returns The removed barrier, if any.
   */
  removeBarrier(isBarrier: (barrier: Barrier) => boolean): Barrier | undefined {
    const index = this.#barriers
      .findIndex(({ barrier }) => isBarrier(barrier));
    const [removed] = index < 0 ? [] : this.#barriers.splice(index, 1);
    if (removed === undefined) return undefined;
    const { barrier, after } = removed;
    const before = this.#barriers[index - 1]?.after ?? this.#current;
    if (before.length === 0 && before === this.#current) this.#current = after;
    else for (const call of after.drain()) before.push(call);
    return barrier;
  }

  /**
   * Returns how many calls with a placement and at least this priority wait
   * before the first barrier.
   *
   * @param placement `undefined`: without a placement.
   */
  waiting(placement: Placement | undefined, priority = -Infinity): number {
    return this.#current.waiting(placement, priority);
  }

  /** See {@linkcode PriorityLists.hasFor}. */
  hasFor(worker: WorkerHandle, priority: number, isHigher: boolean): boolean {
    return this.#current.hasFor(worker, priority, isHigher);
  }

  /** Returns the calls before the first barrier, grouped by placement. */
  lists(): readonly AffinityList[] {
    return this.#current.lists();
  }

  /**
   * The calls before the first barrier, grouped by priority, the highest first.
   */
  get levels(): readonly AffinityLists[] {
    return this.#current.levels;
  }

  /** The calls that wait to run in isolation. */
  get isolated(): Iterable<Call> {
    return this.#isolated;
  }

  /** The isolated calls that may not run anywhere. */
  get isolatedAndPlaced(): Iterable<Call> {
    return this.#isolated.placed;
  }

  /** Fails an isolated call. */
  failIsolated(call: Call, reason: Error): void {
    this.#isolated.release(call);
    call.fail(reason);
  }

  /** Sends isolated calls: see {@linkcode IsolatedCalls.dispatch}. */
  dispatchIsolated(
    workers: WorkerSet,
    send: (worker: WorkerHandle, call: Call) => void,
  ): void {
    this.#isolated.dispatch(workers, send);
  }

  /** See {@linkcode IsolatedCalls.reassign}. */
  reassignIsolated(): boolean {
    return this.#isolated.length > 0 && this.#isolated.reassign();
  }

  /** Returns the lists of calls that take resources, isolated ones first. */
  resourceLists(): ReadonlyMap<object, ResourceList> {
    const isolated = this.#isolated.resourceLists;
    const { resourceLists } = this.#current;
    return isolated.size === 0
      ? resourceLists
      : new Map<object, ResourceList>([...isolated, ...resourceLists]);
  }

  /** Returns all waiting calls, before and after barriers. */
  calls(): Call[] {
    const calls = this.#sections().flatMap((section) => section.calls());
    return [...this.#delayed, ...this.#isolated, ...calls];
  }

  /** Takes all calls and barriers. */
  drain(): { calls: Call[]; barriers: Barrier[] } {
    const calls = this.#sections().flatMap((section) => section.drain());
    const barriers = this.#barriers.splice(0).map(({ barrier }) => barrier);
    const others = [...this.#delayed.drain(), ...this.#isolated.drain()];
    return { calls: [...others, ...calls], barriers };
  }

  /** The calls after all barriers. */
  get #last(): PriorityLists {
    return this.#barriers.at(-1)?.after ?? this.#current;
  }

  #sections(): PriorityLists[] {
    return [this.#current, ...this.#barriers.map(({ after }) => after)];
  }
}
