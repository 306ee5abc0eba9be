import type { ResourceClaim } from "./resource_claim.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** The calls that take no resources. */
export interface OtherCalls {
  /**
   * Returns whether calls without resources wait that a worker could run.
   *
   * @param priority The least priority of those that count.
   * @param isHigher Whether only those of a higher priority count.
   */
  othersWait(
    worker: WorkerHandle,
    priority: number,
    isHigher: boolean,
  ): boolean;
}

/**
 * Decides which calls a worker runs next: those that take resources, or others.
 * Among calls of the same priority, each kind has its turn.
 */
export class ResourceTurns {
  /** The id after that of the last call with resources, by worker. */
  readonly #served = new WeakMap<WorkerHandle, number>();

  /** Takes note that a worker has got a call with resources. */
  serve(worker: WorkerHandle): void {
    this.#served.set(worker, worker.nextId);
  }

  /** Returns whether a worker has ever got a call with resources. */
  hasServed(worker: WorkerHandle): boolean {
    return this.#served.has(worker);
  }

  /** Returns whether a worker should run a call without resources next. */
  isOthersTurn(
    worker: WorkerHandle,
    claim: ResourceClaim,
    others: OtherCalls,
  ): boolean {
    if (this.mustYield(claim, worker, others)) return true;
    const { isIsolated, priority } = claim;
    const least = isIsolated ? -Infinity : priority;
    return this.#served.get(worker) === worker.nextId &&
      others.othersWait(worker, least, false);
  }

  /** Returns whether calls of a higher priority, without resources, wait. */
  mustYield(
    { isIsolated, priority }: ResourceClaim,
    worker: WorkerHandle,
    others: OtherCalls,
  ): boolean {
    return !isIsolated && others.othersWait(worker, priority, true);
  }
}
