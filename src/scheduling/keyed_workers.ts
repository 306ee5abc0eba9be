import type { CallTerms } from "../calls/call_kind.ts";
import type { Placement } from "../calls/placement.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/** The workers of the buckets of calls with one placement. */
class Assignment {
  readonly workers = new Map<number, WorkerHandle>();
  /** How many buckets each worker has. */
  readonly counts = new Map<WorkerHandle, number>();
  /** How many workers had been lost when those that were lost were removed. */
  losses = 0;

  assign(bucket: number, worker: WorkerHandle): void {
    const before = this.workers.get(bucket);
    if (before !== undefined) this.#count(before, -1);
    this.workers.set(bucket, worker);
    this.#count(worker, 1);
  }

  /** Removes lost workers. */
  prune(): void {
    for (const [bucket, worker] of this.workers) {
      if (worker.lost) this.workers.delete(bucket);
    }
    for (const worker of this.counts.keys()) {
      if (worker.lost) this.counts.delete(worker);
    }
  }

  #count(worker: WorkerHandle, change: number): void {
    this.counts.set(worker, (this.counts.get(worker) ?? 0) + change);
  }
}

/**
 * The workers that run the calls with keys: a bucket of keys keeps its worker as
 * long as that gets calls.
 */
export class KeyedWorkers {
  readonly #workers: WorkerSet;
  readonly #assignments = new WeakMap<Placement, Assignment>();
  #losses = 0;

  /** Constructs it for the workers of a scheduler. */
  constructor(workers: WorkerSet) {
    this.#workers = workers;
  }

  /** Takes note that a worker is lost. */
  lost(): void {
    this.#losses++;
  }

  /**
   * Returns the worker that a call's bucket had last, if any. It may get no more
   * calls.
   */
  last({ placement, bucket = 0 }: CallTerms): WorkerHandle | undefined {
    return this.#assignments.get(placement!)?.workers.get(bucket);
  }

  /**
   * Returns the worker of a call's bucket. If there is none, that becomes the
   * worker with the fewest buckets; of several, the least busy.
   *
   * @param mustHaveRoom Whether a worker without room doesn't get the bucket.
   * @returns `undefined` if no worker may have it.
   */
  assign(terms: CallTerms, mustHaveRoom: boolean): WorkerHandle | undefined {
    const { placement, bucket = 0 } = terms;
    const last = this.last(terms);
    if (last !== undefined && isUsable(last)) return last;
    // With many workers, it takes long to look at all of them.
    if (mustHaveRoom && this.#workers.room(placement) === 0) return undefined;
    const assignment = this.#assignmentOf(placement!);
    const { counts } = assignment;
    let best: WorkerHandle | undefined;
    for (const worker of this.#workers) {
      const mayHave = isUsable(worker) && worker.fits(placement) &&
        (!mustHaveRoom || worker.hasRoom);
      if (!mayHave) continue;
      const isBetter = best === undefined ||
        compare(counts, worker, best) < 0;
      if (isBetter) best = worker;
    }
    if (best !== undefined) assignment.assign(bucket, best);
    return best;
  }

  #assignmentOf(placement: Placement): Assignment {
    let assignment = this.#assignments.get(placement);
    if (assignment === undefined) {
      assignment = new Assignment();
      this.#assignments.set(placement, assignment);
    }
    if (assignment.losses !== this.#losses) {
      assignment.prune();
      assignment.losses = this.#losses;
    }
    return assignment;
  }
}

/** Returns whether a worker gets calls, now or later. */
export function isUsable({ isEnding, isRetired }: WorkerHandle): boolean {
  return !isEnding && !isRetired;
}

function compare(
  counts: ReadonlyMap<WorkerHandle, number>,
  one: WorkerHandle,
  other: WorkerHandle,
): number {
  const difference = (counts.get(one) ?? 0) - (counts.get(other) ?? 0);
  return difference || one.window.calls - other.window.calls;
}
