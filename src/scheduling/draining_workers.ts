import type { WorkerHandle } from "./worker_handle.ts";

/** A worker that gets no more calls. */
interface Draining extends PromiseWithResolvers<void> {
  /** Whether the worker may have calls that it should be asked to give back. */
  isDue: boolean;
}

/**
 * The workers that get no more calls, until they have none. They give back the
 * calls that they haven't begun, and finish the others.
 */
export class DrainingWorkers {
  readonly #mayRecall: (worker: WorkerHandle) => boolean;
  readonly #workers = new Map<WorkerHandle, Draining>();

  /**
   * Constructs an empty set.
   *
   * @param mayRecall Returns whether the calls of a worker may be recalled now.
   */
  constructor(mayRecall: (worker: WorkerHandle) => boolean) {
    this.#mayRecall = mayRecall;
  }

  /**
   * Adds a worker.
   *
   * @returns A promise that resolves when the worker has no calls or is lost.
   */
  add(worker: WorkerHandle): Promise<void> {
    const known = this.#workers.get(worker);
    if (known !== undefined) return known.promise;
    if (worker.lost) return Promise.resolve();
    const draining = { ...Promise.withResolvers<void>(), isDue: true };
    this.#workers.set(worker, draining);
    worker.retire();
    // A worker that isn't connected reports no change.
    this.update(worker, false);
    return draining.promise;
  }

  /**
   * Takes note of a change of what a worker has.
   *
   * @param hasAnswered Whether it has answered calls.
   */
  update(worker: WorkerHandle, hasAnswered: boolean): void {
    if (this.#workers.size === 0) return;
    const draining = this.#workers.get(worker);
    if (draining === undefined) return;
    if (!worker.hasCalls) return this.remove(worker);
    // A large call may have been on its way when the worker was asked.
    if (hasAnswered && worker.items > worker.window.concurrency) {
      draining.isDue = true;
    }
    this.#recall(worker, draining);
  }

  /** Recalls the calls that couldn't be recalled before. */
  recall(): void {
    if (this.#workers.size === 0) return;
    for (const [worker, draining] of this.#workers) {
      this.#recall(worker, draining);
    }
  }

  /** Removes a worker that has no calls or is lost. */
  remove(worker: WorkerHandle): void {
    this.#workers.get(worker)?.resolve();
    this.#workers.delete(worker);
  }

  #recall(worker: WorkerHandle, draining: Draining): void {
    // A call in isolation stays where it is, as it mustn't meet others.
    const waits = !draining.isDue || worker.isRecalling || worker.isEnding ||
      worker.reservation === "isolated" || !this.#mayRecall(worker);
    if (waits) return;
    draining.isDue = false;
    worker.recall({ parts: 0, keep: 0, cut: true });
  }
}
