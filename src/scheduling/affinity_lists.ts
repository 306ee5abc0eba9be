import type { Call } from "../calls/call.ts";
import type { Placement } from "../calls/placement.ts";
import { CallList } from "./call_list.ts";
import type { KeyedWorkers } from "./keyed_workers.ts";
import { ParkedCalls } from "./parked_calls.ts";
import type { ResourceList } from "./resource_claim.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** The calls with one placement; `undefined`: those that may run anywhere. */
export type AffinityList = [placement: Placement | undefined, calls: CallList];

const NO_LISTS: readonly AffinityList[] = [];

const NO_RESOURCE_LISTS: ReadonlyMap<object, ResourceList> = new Map();

/** With more lists than this, those that are empty are removed. */
const MAX_EMPTY = 64;

/** Waiting calls, in one list per placement and one for calls without one. */
export class AffinityLists {
  /** The priority of the calls. */
  readonly priority: number;
  readonly #anywhere = new CallList();
  /** Only that list. Most pools never have another. */
  readonly #onlyAnywhere: readonly AffinityList[] = [
    [undefined, this.#anywhere],
  ];
  readonly #placed = new Map<Placement, CallList>();
  #turn = 0;
  /** Calls with keys whose workers have no room. */
  #parked: ParkedCalls | undefined;

  /**
   * Constructs empty lists.
   *
   * @param priority The priority of the calls.
   */
  constructor(priority = 0) {
    this.priority = priority;
  }

  /** How many calls wait. */
  get length(): number {
    let length = this.#anywhere.length;
    for (const calls of this.#placed.values()) length += calls.length;
    return length + (this.#parked?.length ?? 0);
  }

  /** Whether there may be calls with keys. */
  get hasKeyed(): boolean {
    return this.#parked !== undefined;
  }

  /** Calls with keys that wait for the worker of their key. */
  get parked(): ParkedCalls {
    return this.#parked ??= new ParkedCalls();
  }

  /** Returns the lists of other calls with keys. */
  keyedLists(): AffinityList[] {
    return [...this.#placed].filter(([placement, calls]) =>
      placement.isKeyed && calls.length > 0
    );
  }

  /** Returns the list that a call waits in, if any. */
  listOf(call: Call): CallList | undefined {
    return this.#allLists().find((calls) => call.isWith(calls));
  }

  /** Returns all waiting calls. */
  calls(): Call[] {
    return this.#allLists().flatMap((calls) => [...calls]);
  }

  /** Returns how many calls with a placement wait; `undefined`: without one. */
  waiting(placement: Placement | undefined): number {
    if (placement === undefined) return this.#anywhere.length;
    return this.#placed.get(placement)?.length ?? 0;
  }

  /** Appends a call. */
  push(call: Call): void {
    this.listFor(call.terms.placement).push(call);
  }

  /**
   * Puts calls before all others, and keeps their order.
   *
   * @param keyed Knows the workers of the calls that have keys.
   */
  unshift(calls: readonly Call[], keyed: KeyedWorkers): void {
    for (const call of calls.toReversed()) {
      const { terms } = call;
      // If the worker is lost, its calls leave it together.
      const worker = terms.placement?.isKeyed ? keyed.last(terms) : undefined;
      if (worker !== undefined) this.parked.unshift(worker, call);
      else this.listFor(terms.placement).unshift(call);
    }
  }

  /** Returns the lists that aren't empty. */
  lists(): readonly AffinityList[] {
    if (this.#placed.size === 0) {
      return this.#anywhere.length === 0 ? NO_LISTS : this.#onlyAnywhere;
    }
    const lists: AffinityList[] = [];
    for (const entry of this.#placed) {
      if (entry[1].length > 0) lists.push(entry);
      // Programs may ask for ever new amounts.
      else if (this.#placed.size > MAX_EMPTY) this.#placed.delete(entry[0]);
    }
    if (this.#anywhere.length > 0) lists.push(...this.#onlyAnywhere);
    return lists;
  }

  /** The lists of calls that take resources and aren't empty, by themselves. */
  get resourceLists(): ReadonlyMap<object, ResourceList> {
    if (this.#placed.size === 0) return NO_RESOURCE_LISTS;
    const lists = new Map<object, ResourceList>();
    const { priority } = this;
    const isIsolated = false;
    for (const [placement, calls] of this.#placed) {
      const { needs, isKeyed } = placement;
      if (calls.length === 0 || needs === undefined || isKeyed) continue;
      lists.set(calls, { placement, calls, priority, isIsolated });
    }
    for (const { placement, calls, worker } of this.#parked?.lists() ?? []) {
      if (placement === undefined) continue;
      lists.set(calls, { placement, calls, priority, isIsolated, worker });
    }
    return lists;
  }

  /** Whether calls that take no resources wait and could run on a worker. */
  hasFor(worker: WorkerHandle): boolean {
    if (this.#anywhere.length > 0 || this.#parked?.has(worker)) return true;
    for (const [placement, calls] of this.#placed) {
      const isOther = calls.length > 0 && placement.needs === undefined;
      if (isOther && worker.fits(placement)) return true;
    }
    return false;
  }

  /**
   * Returns the lists of calls that take no resources and have no keys, rotated
   * by one each time, so none starves.
   */
  listsInTurn(): readonly AffinityList[] {
    const all = this.lists();
    const lists = this.#placed.size === 0
      ? all
      : all.filter(([placement]) =>
        placement?.needs === undefined && !placement?.isKeyed
      );
    if (lists.length < 2) return lists;
    const first = this.#turn++ % lists.length;
    return [...lists.slice(first), ...lists.slice(0, first)];
  }

  /** Takes all calls; calls with the same placement stay in order. */
  drain(): Call[] {
    return this.#allLists().flatMap((calls) => calls.drain());
  }

  /** Returns the list of the calls with a placement; `undefined`: without one. */
  listFor(placement: Placement | undefined): CallList {
    if (placement === undefined) return this.#anywhere;
    let calls = this.#placed.get(placement);
    if (calls === undefined) {
      calls = new CallList();
      this.#placed.set(placement, calls);
      if (placement.isKeyed) this.#parked ??= new ParkedCalls();
    }
    return calls;
  }

  /** Returns all lists that aren't empty; parked calls come first. */
  #allLists(): CallList[] {
    const parked = this.#parked?.lists().map(({ calls }) => calls) ?? [];
    return [...parked, ...this.lists().map(([, calls]) => calls)];
  }
}
