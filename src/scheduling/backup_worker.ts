import type { Call } from "../calls/call.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/**
 * Returns the worker for a second run of a call: one with a free place, on
 * another host if possible.
 *
 * @param own The worker that has the call.
 * @returns `undefined` if there is none.
 */
export function findBackupWorker(
  workers: WorkerSet,
  call: Call,
  own: WorkerHandle,
): WorkerHandle | undefined {
  let best: WorkerHandle | undefined;
  for (const worker of workers) {
    if (worker === own || !isFree(worker, call)) continue;
    if (best === undefined || isBetter(worker, best, own)) best = worker;
  }
  return best;
}

function isFree(worker: WorkerHandle, { items, terms }: Call): boolean {
  const { calls, concurrency, itemsLeft } = worker.window;
  return calls < concurrency && items <= itemsLeft && worker.hasRoom &&
    terms.placement?.needs === undefined && worker.fits(terms.placement);
}

function isBetter(
  worker: WorkerHandle,
  other: WorkerHandle,
  own: WorkerHandle,
): boolean {
  const isElsewhere = worker.host !== own.host;
  if (isElsewhere !== (other.host !== own.host)) return isElsewhere;
  return worker.window.calls < other.window.calls;
}
