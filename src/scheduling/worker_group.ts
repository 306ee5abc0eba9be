import { WorkerHeap, type WorkerLoad } from "./worker_heap.ts";

/** The capacity of some workers. */
export interface HostCapacity {
  /** How many workers there are. */
  readonly workers: number;
  /** How many calls they run at once, in total. */
  readonly concurrency: number;
  /** How many calls they may have in total. */
  readonly capacity: number;
  /** Whether calls take long to each of them and back. */
  readonly isDistant: boolean;
}

/**
 * All workers, or those where calls with a placement may run: their total load,
 * and the least busy one.
 */
export class WorkerGroup {
  /** Which of their positions its heap uses: each group has another slot. */
  readonly slot: number;
  /** The last dispatch that has asked for the group. */
  usedIn = 0;
  #workers = 0;
  #concurrency = 0;
  #capacity = 0;
  /** How many workers are distant. */
  #distant = 0;
  #room = 0;
  /** How many calls the workers have. */
  #calls = 0;
  /** How many workers have room, and how many calls these have. */
  #free = 0;
  #freeCalls = 0;
  /** How many open workers could run another call at once. */
  #idle = 0;
  /** Set once the group is sorted. */
  #heap: WorkerHeap | undefined;

  /** Constructs an empty group. */
  constructor(slot: number) {
    this.slot = slot;
  }

  /** How many workers there are. */
  get size(): number {
    return this.#workers;
  }

  /** The capacity of the workers. */
  get capacity(): HostCapacity {
    return {
      workers: this.#workers,
      concurrency: this.#concurrency,
      capacity: this.#capacity,
      isDistant: this.#workers > 0 && this.#distant === this.#workers,
    };
  }

  /** How many more calls the workers can take. */
  get room(): number {
    return this.#room;
  }

  /** How many open workers could run another call at once. */
  get idle(): number {
    return this.#idle;
  }

  /** Whether {@linkcode WorkerGroup.leastBusy} is known. */
  get isSorted(): boolean {
    return this.#heap !== undefined;
  }

  /** The first of the open workers: see {@linkcode WorkerHeap}. */
  get leastBusy(): WorkerLoad | undefined {
    return this.#heap?.first;
  }

  /** Keeps the workers, which were all added, in order from now on. */
  sort(loads: Iterable<WorkerLoad>): void {
    this.#heap = new WorkerHeap(this.slot);
    for (const load of loads) {
      if (load.isOpen) this.#heap.update(load);
    }
  }

  /**
   * Returns how many calls each worker with room should have after some more
   * calls are shared.
   */
  fairShare(calls: number): number {
    return Math.ceil((calls + this.#freeCalls) / this.#free);
  }

  /**
   * Returns how many calls each worker would have if all had the same number
   * after some more calls are shared.
   */
  evenShare(calls: number): number {
    return Math.ceil((calls + this.#calls) / this.#workers);
  }

  /** Adds a worker, whose load wasn't counted. */
  add({ worker, positions }: WorkerLoad): void {
    while (positions.length <= this.slot) positions.push(-1);
    this.#workers++;
    this.#concurrency += worker.window.concurrency;
  }

  /** Removes a worker, whose load was subtracted. */
  remove(load: WorkerLoad): void {
    this.#workers--;
    this.#concurrency -= load.worker.window.concurrency;
    this.#heap?.remove(load);
  }

  /** Adds a worker's load to the totals, and puts the worker in its place. */
  count(load: WorkerLoad): void {
    this.#count(load, 1);
    if (load.isOpen) this.#heap?.update(load);
    else this.#heap?.remove(load);
  }

  /** Subtracts a worker's load, which is about to change. */
  subtract(load: WorkerLoad): void {
    this.#count(load, -1);
  }

  #count(load: WorkerLoad, sign: 1 | -1): void {
    const { limit, room, calls, isOpen, isDistant, worker } = load;
    this.#capacity += sign * limit;
    this.#room += sign * room;
    this.#calls += sign * calls;
    if (isDistant) this.#distant += sign;
    if (isOpen && calls < worker.window.concurrency) this.#idle += sign;
    if (room === 0) return;
    this.#free += sign;
    this.#freeCalls += sign * calls;
  }
}
