import type { Placement } from "../calls/placement.ts";
import type { CallSources } from "./call_sources.ts";
import type { PendingQueue } from "./pending_queue.ts";
import type { ResourceCalls } from "./resource_calls.ts";
import type { WorkerSet } from "./worker_set.ts";

/** Calls and items that wait for workers. */
export interface WaitingWork {
  /** Where they may run; `undefined` for anywhere. */
  readonly placement: Placement | undefined;
  /** How many wait. */
  readonly items: number;
  /** Whether sources have further items, whose number isn't known. */
  readonly hasMore: boolean;
}

/** The work that waits for workers, by where it may run. */
class Work {
  readonly #work = new Map<Placement | undefined, WaitingWork>();

  add(placement: Placement | undefined, items: number): void {
    const known = this.#work.get(placement);
    const isKnown = items < Infinity;
    this.#work.set(placement, {
      placement,
      items: (known?.items ?? 0) + (isKnown ? items : 0),
      hasMore: !isKnown || (known?.hasMore ?? false),
    });
  }

  get all(): WaitingWork[] {
    return [...this.#work.values()]
      .filter(({ items, hasMore }) => items > 0 || hasMore);
  }
}

/**
 * Returns the work that further workers could begin: what is queued, what waits
 * at workers, what sources have left if the workers have no room for it, and the
 * calls of those who wait for room.
 *
 * @param callers How many callers wait for room.
 */
export function waitingWork(
  pending: PendingQueue,
  workers: WorkerSet,
  sources: CallSources,
  resources: ResourceCalls,
  callers = 0,
): WaitingWork[] {
  const work = new Work();
  if (callers > 0) work.add(undefined, callers);
  for (const [placement, calls] of pending.lists()) {
    work.add(placement, calls.length);
  }
  for (const { terms } of pending.isolated) work.add(terms.placement, 1);
  const { nextBarrier } = pending;
  if (nextBarrier !== undefined && !workers.has(nextBarrier.placement)) {
    work.add(nextBarrier.placement, 1);
  }
  for (const worker of workers) {
    const waiting = worker.items - worker.window.concurrency;
    // Calls with keys stay where they are.
    if (waiting > 0 && worker.movable > 0) work.add(worker.range, waiting);
  }
  for (const { placement, left = Infinity } of sources.running) {
    const room = placement?.needs === undefined
      ? workers.room(placement)
      : resources.room(placement);
    if (room <= 0) work.add(placement, left);
  }
  return work.all;
}

/**
 * Returns for how long the present items of busy workers have taken at least, in
 * microseconds; 0 if no worker is busy.
 */
export function presentMicroseconds(workers: WorkerSet): number {
  let silence = 0;
  let items = 0;
  for (const worker of workers) {
    if (worker.items === 0) continue;
    silence += worker.window.silence;
    items += worker.items;
  }
  return items === 0 ? 0 : silence * 1_000 / items;
}
