import type { WorkerHandle } from "./worker_handle.ts";

/** The capacity of a host's workers, or of all workers. */
export interface HostCapacity {
  /** How many workers there are. */
  readonly workers: number;
  /** How many calls they run at once, in total. */
  readonly concurrency: number;
  /** How many calls they may have in total. */
  readonly capacity: number;
}

/** The workers of a scheduler. */
export class WorkerSet {
  readonly #workers: WorkerHandle[] = [];
  readonly #byHost = new Map<string, number>();

  /** All workers. */
  get all(): readonly WorkerHandle[] {
    return this.#workers;
  }

  /** How many workers there are. */
  get size(): number {
    return this.#workers.length;
  }

  /** Adds workers. */
  add(workers: readonly WorkerHandle[]): void {
    for (const worker of workers) {
      this.#workers.push(worker);
      this.#count(worker.host, 1);
    }
  }

  /** Removes a worker, if the set has it. */
  remove(worker: WorkerHandle): void {
    const index = this.#workers.indexOf(worker);
    if (index < 0) return;
    this.#workers.splice(index, 1);
    this.#count(worker.host, -1);
  }

  /** Returns whether a host has workers; `undefined` means any host. */
  has(host: string | undefined): boolean {
    return host === undefined ? this.size > 0 : this.#byHost.has(host);
  }

  /** Returns the workers of a host; `undefined` means all workers. */
  at(host: string | undefined): readonly WorkerHandle[] {
    if (host === undefined) return this.#workers;
    return this.#workers.filter((worker) => worker.isAt(host));
  }

  /** Returns the workers that can take calls now. */
  withRoom(): WorkerHandle[] {
    return this.#workers.filter(({ hasRoom }) => hasRoom);
  }

  /** Returns the capacity of a host's workers; `undefined`: of all workers. */
  capacity(host: string | undefined): HostCapacity {
    let workers = 0;
    let concurrency = 0;
    let capacity = 0;
    for (const worker of this.#workers) {
      if (!worker.isAt(host)) continue;
      workers++;
      concurrency += worker.window.concurrency;
      capacity += worker.window.limit;
    }
    return { workers, concurrency, capacity };
  }

  #count(host: string, change: number): void {
    const count = (this.#byHost.get(host) ?? 0) + change;
    if (count > 0) this.#byHost.set(host, count);
    else this.#byHost.delete(host);
  }
}
