import type { Call } from "../calls/call.ts";
import { TaskDurations } from "./task_durations.ts";
import { type HostCapacity, WorkerGroup } from "./worker_group.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import { busyness, type WorkerLoad } from "./worker_heap.ts";

/**
 * The workers of a scheduler, all and by host. {@linkcode WorkerSet.refresh}
 * keeps their order by load, so that no dispatch looks at all of them.
 */
export class WorkerSet {
  readonly #durations: TaskDurations;
  readonly #loads = new Map<WorkerHandle, WorkerLoad>();
  readonly #all = new WorkerGroup();
  readonly #byHost = new Map<string, WorkerGroup>();
  #added = 0;
  /** How often calls of a worker have returned. */
  #answers = 0;

  /**
   * Constructs an empty set.
   *
   * @param durations How long calls take.
   */
  constructor(durations: TaskDurations = new TaskDurations()) {
    this.#durations = durations;
    this.#all.sort(0, []);
  }

  /** How many workers there are. */
  get size(): number {
    return this.#loads.size;
  }

  /** Returns how many open workers, at a host or anywhere, have a free place. */
  idle(host: string | undefined): number {
    return this.#group(host)?.idle ?? 0;
  }

  /** Returns an iterator over the workers, in the order they were added. */
  [Symbol.iterator](): Iterator<WorkerHandle> {
    return this.#loads.keys();
  }

  /** Adds workers. */
  add(workers: readonly WorkerHandle[]): void {
    for (const worker of workers) {
      const load: WorkerLoad = {
        worker,
        order: this.#added++,
        isOpen: false,
        calls: 0,
        busyness: 0,
        answer: 0,
        room: 0,
        limit: 0,
        isDistant: false,
        positions: [-1, -1],
      };
      this.#loads.set(worker, load);
      this.#all.add(load);
      this.#groupAt(worker.host).add(load);
      worker.tally.joined();
      this.#refresh(load);
    }
  }

  /** Removes a worker, if the set has it. */
  remove(worker: WorkerHandle): void {
    const load = this.#loads.get(worker);
    if (load === undefined) return;
    this.#loads.delete(worker);
    worker.tally.left(load.calls);
    const group = this.#groupAt(worker.host);
    for (const one of [this.#all, group]) {
      one.subtract(load);
      one.remove(load);
    }
    if (group.size === 0) this.#byHost.delete(worker.host);
  }

  /** Returns whether the set has a worker. */
  includes(worker: WorkerHandle): boolean {
    return this.#loads.has(worker);
  }

  /** Returns whether a host has workers; `undefined` means any host. */
  has(host: string | undefined): boolean {
    return host === undefined ? this.size > 0 : this.#byHost.has(host);
  }

  /** Returns the workers of a host; `undefined` means all workers. */
  at(host: string | undefined): WorkerHandle[] {
    return [...this].filter((worker) => worker.isAt(host));
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

  /** Returns how many more calls the workers of a host, or all, can take. */
  room(host: string | undefined): number {
    return this.#group(host)?.room ?? 0;
  }

  /** Returns the capacity of a host's workers; `undefined`: of all workers. */
  capacity(host: string | undefined): HostCapacity {
    return this.#group(host)?.capacity ??
      { workers: 0, concurrency: 0, capacity: 0, isDistant: false };
  }

  /**
   * Returns how many calls each worker with room should have, at a host or
   * anywhere, after some more calls are shared.
   */
  fairShare(host: string | undefined, calls: number): number {
    return this.#group(host)?.fairShare(calls) ?? 0;
  }

  /**
   * Returns how many calls each worker would have, at a host or anywhere, if all
   * had the same number after some more calls are shared.
   */
  evenShare(host: string | undefined, calls: number): number {
    return this.#group(host)?.evenShare(calls) ?? 0;
  }

  /**
   * Returns the open worker that is least busy, at a host or anywhere. If it has
   * no room, no worker has.
   */
  leastBusy(host: string | undefined): WorkerHandle | undefined {
    const group = this.#sorted(host);
    for (;;) {
      const load = group?.leastBusy;
      if (load === undefined) return undefined;
      const { worker, room } = load;
      if (worker.isOpen && worker.hasRoom === room > 0) return worker;
      // It was closed without notice.
      this.#refresh(load);
    }
  }

  #group(host: string | undefined): WorkerGroup | undefined {
    return host === undefined ? this.#all : this.#byHost.get(host);
  }

  /** Returns a group whose workers are in order: most hosts never need that. */
  #sorted(host: string | undefined): WorkerGroup | undefined {
    const group = this.#group(host);
    if (group === undefined || group.isSorted) return group;
    const loads = this.#loads.values();
    group.sort(1, loads.filter(({ worker }) => worker.isAt(host)));
    return group;
  }

  #groupAt(host: string): WorkerGroup {
    let group = this.#byHost.get(host);
    if (group === undefined) {
      group = new WorkerGroup();
      this.#byHost.set(host, group);
    }
    return group;
  }

  #refresh(load: WorkerLoad): void {
    const { worker } = load;
    const { window, isOpen } = worker;
    const { calls, limit, isDistant } = window;
    const { room, latestTask } = worker;
    const busy = latestTask === undefined
      ? calls
      : busyness(calls, this.#durations.of(latestTask));
    const isSame = load.calls === calls && load.room === room &&
      load.limit === limit && load.isOpen === isOpen &&
      load.busyness === busy && load.isDistant === isDistant;
    if (isSame) return;
    const group = this.#groupAt(worker.host);
    this.#all.subtract(load);
    group.subtract(load);
    worker.tally.loaded(calls - load.calls);
    if (calls < load.calls) load.answer = ++this.#answers;
    load.calls = calls;
    load.busyness = busy;
    load.room = room;
    load.limit = limit;
    load.isDistant = isDistant;
    load.isOpen = isOpen;
    this.#all.count(load);
    group.count(load);
  }
}
