import type { Call } from "../calls/call.ts";
import type { Placement } from "../calls/placement.ts";
import { TaskDurations } from "./task_durations.ts";
import { type HostCapacity, WorkerGroup } from "./worker_group.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import { busyness, type WorkerLoad } from "./worker_heap.ts";

/** The load of a worker, and where it counts. */
interface GroupedLoad extends WorkerLoad {
  /** The groups that the worker belongs to, without that of all workers. */
  readonly groups: WorkerGroup[];
}

/** With more groups than this, those that nobody asks for are dropped. */
const MAX_GROUPS = 64;

/**
 * The workers of a scheduler: all of them, and those where calls with a placement
 * may run. {@linkcode WorkerSet.refresh} keeps their order by load, so that no
 * dispatch looks at all of them.
 */
export class WorkerSet {
  readonly #durations: TaskDurations;
  readonly #loads = new Map<WorkerHandle, GroupedLoad>();
  readonly #all = new WorkerGroup(0);
  /** The groups that somebody has asked for. */
  readonly #groups = new Map<Placement, WorkerGroup>();
  /** How many groups there may be before some are dropped. */
  #maxGroups = MAX_GROUPS;
  /**
   * Which placements have workers, until these change. Calls with resources need
   * no more than this, and a group would cost time with each answer.
   */
  #has = new WeakMap<Placement, boolean>();
  /** The slots that no group uses, and the next one. */
  readonly #freeSlots: number[] = [];
  #nextSlot = 1;
  #added = 0;
  /** The number of the present dispatch. */
  #dispatch = 0;
  /** How often calls of a worker have returned. */
  #answers = 0;

  /**
   * Constructs an empty set.
   *
   * @param durations How long calls take.
   */
  constructor(durations: TaskDurations = new TaskDurations()) {
    this.#durations = durations;
    this.#all.sort([]);
  }

  /** How many workers there are. */
  get size(): number {
    return this.#loads.size;
  }

  /** How many workers were added so far. */
  get added(): number {
    return this.#added;
  }

  /** Returns how many open workers of a placement, or all, have a free place. */
  idle(placement: Placement | undefined): number {
    return this.#group(placement).idle;
  }

  /** Returns an iterator over the workers, in the order they were added. */
  [Symbol.iterator](): Iterator<WorkerHandle> {
    return this.#loads.keys();
  }

  /** Adds workers. */
  add(workers: readonly WorkerHandle[]): void {
    this.#has = new WeakMap();
    for (const worker of workers) {
      const load: GroupedLoad = {
        worker,
        order: this.#added++,
        isOpen: false,
        calls: 0,
        busyness: 0,
        answer: 0,
        room: 0,
        limit: 0,
        isDistant: false,
        groups: [],
        positions: [],
      };
      this.#loads.set(worker, load);
      this.#all.add(load);
      for (const [placement, group] of this.#groups) {
        if (!worker.fits(placement)) continue;
        group.add(load);
        load.groups.push(group);
      }
      worker.tally.joined();
      this.#refresh(load);
    }
  }

  /** Removes a worker, if the set has it. */
  remove(worker: WorkerHandle): void {
    const load = this.#loads.get(worker);
    if (load === undefined) return;
    this.#loads.delete(worker);
    this.#has = new WeakMap();
    worker.tally.left(load.calls);
    for (const group of [this.#all, ...load.groups]) {
      group.subtract(load);
      group.remove(load);
    }
  }

  /** Takes note that a dispatch begins. */
  beginDispatch(): void {
    this.#dispatch++;
  }

  /** Returns whether the set has a worker. */
  includes(worker: WorkerHandle): boolean {
    return this.#loads.has(worker);
  }

  /** Returns whether a placement has workers; `undefined` means any. */
  has(placement: Placement | undefined): boolean {
    if (placement === undefined) return this.size > 0;
    let has = this.#has.get(placement);
    if (has === undefined) {
      has = this.#loads.keys().some((worker) => worker.fits(placement));
      this.#has.set(placement, has);
    }
    return has;
  }

  /** Returns the workers of a placement; `undefined` means all workers. */
  at(placement: Placement | undefined): WorkerHandle[] {
    return [...this].filter((worker) => worker.fits(placement));
  }

  /** Returns the worker that has a call, if any. */
  find(call: Call): WorkerHandle | undefined {
    for (const worker of this) if (call.isWith(worker)) return worker;
    return undefined;
  }

  /** Takes note of a change of a worker's load. */
  refresh(worker: WorkerHandle): void {
    const load = this.#loads.get(worker);
    if (load !== undefined) this.#refresh(load);
  }

  /** Returns whether a worker counts as less busy, as its calls seem tiny. */
  hasTinyCalls(worker: WorkerHandle): boolean {
    const { busyness = 0, calls = 0 } = this.#loads.get(worker) ?? {};
    return busyness < calls;
  }

  /** Returns how many more calls the workers of a placement, or all, can take. */
  room(placement: Placement | undefined): number {
    return this.#group(placement).room;
  }

  /** Returns the capacity of a placement's workers; `undefined`: of all workers. */
  capacity(placement: Placement | undefined): HostCapacity {
    return this.#group(placement).capacity;
  }

  /**
   * Returns how many calls each worker with room should have, of a placement or
   * of all, after some more calls are shared.
   */
  fairShare(placement: Placement | undefined, calls: number): number {
    return this.#group(placement).fairShare(calls);
  }

  /**
   * Returns how many calls each worker would have, of a placement or of all, if
   * all had the same number after some more calls are shared.
   */
  evenShare(placement: Placement | undefined, calls: number): number {
    return this.#group(placement).evenShare(calls);
  }

  /**
   * Returns the open worker that is least busy, of a placement or of all. If it
   * has no room, no worker has.
   */
  leastBusy(placement: Placement | undefined): WorkerHandle | undefined {
    const group = this.#sorted(placement);
    for (;;) {
      const load = group.leastBusy;
      if (load === undefined) return undefined;
      const { worker, room } = load;
      if (worker.isOpen && worker.hasRoom === room > 0) return worker;
      // It was closed without notice.
      this.refresh(worker);
    }
  }

  #group(placement: Placement | undefined): WorkerGroup {
    if (placement === undefined) return this.#all;
    const group = this.#groups.get(placement) ?? this.#makeGroup(placement);
    group.usedIn = this.#dispatch;
    return group;
  }

  #makeGroup(placement: Placement): WorkerGroup {
    if (this.#groups.size >= this.#maxGroups) this.#dropGroups();
    const group = new WorkerGroup(this.#freeSlots.pop() ?? this.#nextSlot++);
    for (const load of this.#loads.values()) {
      if (!load.worker.fits(placement)) continue;
      group.add(load);
      group.count(load);
      load.groups.push(group);
    }
    this.#groups.set(placement, group);
    return group;
  }

  /** Drops the groups that nobody has asked for since the last time. */
  #dropGroups(): void {
    const dropped = new Set<WorkerGroup>();
    for (const [placement, group] of this.#groups) {
      // The present dispatch may not have come to it yet.
      if (group.usedIn >= this.#dispatch - 1) continue;
      dropped.add(group);
      this.#groups.delete(placement);
      this.#freeSlots.push(group.slot);
    }
    this.#maxGroups = Math.max(MAX_GROUPS, this.#groups.size * 2);
    for (const { groups, positions } of this.#loads.values()) {
      for (let index = groups.length - 1; index >= 0; index--) {
        const group = groups[index]!;
        if (!dropped.has(group)) continue;
        groups.splice(index, 1);
        positions[group.slot] = -1;
      }
    }
  }

  /** Returns a group whose workers are in order: most never need that. */
  #sorted(placement: Placement | undefined): WorkerGroup {
    const group = this.#group(placement);
    if (group.isSorted) return group;
    const loads = this.#loads.values();
    group.sort(loads.filter(({ worker }) => worker.fits(placement)));
    return group;
  }

  #refresh(load: GroupedLoad): void {
    const { worker, groups } = load;
    const { window, isOpen } = worker;
    const { calls, limit, isDistant, needed } = window;
    const { room, latestTask } = worker;
    // A worker that gets no more calls than it needs must not come before those
    // that have fewer, however tiny its calls are.
    const busy = latestTask === undefined || needed !== Infinity
      ? calls
      : busyness(calls, this.#durations.of(latestTask));
    const isSame = load.calls === calls && load.room === room &&
      load.limit === limit && load.isOpen === isOpen &&
      load.busyness === busy && load.isDistant === isDistant;
    if (isSame) return;
    this.#all.subtract(load);
    for (let index = 0; index < groups.length; index++) {
      groups[index]!.subtract(load);
    }
    worker.tally.loaded(calls - load.calls);
    if (calls < load.calls) load.answer = ++this.#answers;
    load.calls = calls;
    load.busyness = busy;
    load.room = room;
    load.limit = limit;
    load.isDistant = isDistant;
    load.isOpen = isOpen;
    this.#all.count(load);
    for (let index = 0; index < groups.length; index++) {
      groups[index]!.count(load);
    }
  }
}
