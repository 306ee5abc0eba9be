import type { WorkerProcess } from "../spawner/worker_process.ts";
import type { StartingWorkers } from "./managed_host.ts";
import { SupervisedWorker } from "./supervised_worker.ts";

/** The slot of a lost worker until its replacement starts. */
export interface Vacancy {
  /** When that is (`performance.now()`); `Infinity` if that is unknown. */
  readonly next: number;
}

/** The workers that a host has and will have, by index. */
export class WorkerSlots {
  readonly #slots = new Map<number, SupervisedWorker | Vacancy>();
  /** Workers in whose place others start or have started, by index. */
  readonly #replaced = new Map<number, WorkerProcess>();
  /** Workers that were let go and haven't ended. */
  readonly #released = new Set<SupervisedWorker>();

  /** How many slots are in use. */
  get size(): number {
    return this.#slots.size;
  }

  /** The workers in the slots, with their indexes. */
  get workers(): [index: number, worker: SupervisedWorker][] {
    return [...this.#slots].filter((slot): slot is [number, SupervisedWorker] =>
      slot[1] instanceof SupervisedWorker
    );
  }

  /** The workers that were let go and haven't ended. */
  get released(): Iterable<SupervisedWorker> {
    return this.#released;
  }

  /** The workers that haven't ended, even if they were let go. */
  get living(): SupervisedWorker[] {
    return [...this.workers.map(([, worker]) => worker), ...this.#released];
  }

  /**
   * Returns which workers start, and when the next ones do.
   *
   * @param openingSince When the pool began to connect to the host, until it is
   * connected.
   */
  starting(openingSince: number | undefined): StartingWorkers | undefined {
    let since = openingSince;
    let next: number | undefined;
    let workers = 0;
    for (const slot of this.#slots.values()) {
      if (!(slot instanceof SupervisedWorker)) {
        next = Math.min(next ?? Infinity, slot.next);
      } else if (!slot.isConnected) {
        workers++;
        since = Math.min(since ?? Infinity, slot.begin);
      }
    }
    if (next === Infinity) next = undefined;
    const isStarting = workers > 0 || since !== undefined || next !== undefined;
    return isStarting ? { workers, since, next } : undefined;
  }

  /** Returns free slots: first those of workers that others replace. */
  *free(): Generator<number> {
    for (const index of this.#replaced.keys()) {
      if (!this.#slots.has(index)) yield index;
    }
    for (let index = 0;; index++) if (!this.#slots.has(index)) yield index;
  }

  /** Puts a worker into a slot. */
  set(index: number, worker: SupervisedWorker): void {
    this.#slots.set(index, worker);
  }

  /** Keeps a slot for a worker that starts at `next`: see {@linkcode Vacancy}. */
  keep(index: number, next: number): Vacancy {
    const vacancy: Vacancy = { next };
    this.#slots.set(index, vacancy);
    return vacancy;
  }

  /** Returns whether a slot is still kept. */
  isKept(index: number, vacancy: Vacancy): boolean {
    return this.#slots.get(index) === vacancy;
  }

  /** Frees the slot of a worker that has ended. */
  delete(index: number): void {
    this.#slots.delete(index);
  }

  /** Frees all slots. */
  clear(): void {
    this.#slots.clear();
  }

  /**
   * Frees the slots of workers that haven't connected, from the last on, until
   * no more than `most` are in use.
   *
   * @returns The workers that were let go.
   */
  callOff(most: number): SupervisedWorker[] {
    const released: SupervisedWorker[] = [];
    for (const [index, slot] of [...this.#slots].toReversed()) {
      if (this.#slots.size <= most) break;
      if (!(slot instanceof SupervisedWorker)) this.#slots.delete(index);
      else if (!slot.isConnected) {
        this.#vacate(index, slot);
        released.push(slot);
      }
    }
    return released;
  }

  /** Lets the worker of a process go; returns its index, if it had a slot. */
  letGo(process: WorkerProcess): number | undefined {
    for (const [index, worker] of this.workers) {
      if (worker.process !== process) continue;
      this.#vacate(index, worker);
      return index;
    }
  }

  /**
   * Lets the worker of a process go, because another replaces it.
   *
   * @returns Whether it had a slot.
   */
  replace(process: WorkerProcess): boolean {
    const index = this.letGo(process);
    if (index === undefined) return false;
    this.#replaced.set(index, process);
    process.ended.then(() => {
      if (this.#replaced.get(index) === process) this.#replaced.delete(index);
    });
    return true;
  }

  /** Returns the worker before, if it hasn't ended and another replaces it. */
  replacedAt(index: number): WorkerProcess | undefined {
    return this.#replaced.get(index);
  }

  #vacate(index: number, worker: SupervisedWorker): void {
    this.#slots.delete(index);
    worker.isReleased = true;
    this.#released.add(worker);
    worker.process.ended.then(() => this.#released.delete(worker));
  }
}
