import type { WorkerHandle } from "./worker_handle.ts";

/** The workers that know each task, which must be told to forget it. */
export class DefinedTasks {
  readonly #workers = new Map<number, Set<WorkerHandle>>();

  /** Adds a task that was sent to a worker. */
  add(task: number, worker: WorkerHandle): void {
    const workers = this.#workers.get(task);
    if (workers === undefined) this.#workers.set(task, new Set([worker]));
    else workers.add(worker);
  }

  /** Tells the workers that know a task to forget it. */
  forget(task: number): void {
    const workers = this.#workers.get(task);
    if (workers === undefined) return;
    this.#workers.delete(task);
    for (const worker of workers) worker.forget(task);
  }

  /** Removes a lost worker. */
  remove(worker: WorkerHandle): void {
    for (const task of worker.definedTasks) {
      const workers = this.#workers.get(task);
      workers?.delete(worker);
      if (workers?.size === 0) this.#workers.delete(task);
    }
  }
}
