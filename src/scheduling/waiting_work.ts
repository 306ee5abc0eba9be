import type { CallSources } from "./call_sources.ts";
import type { PendingQueue } from "./pending_queue.ts";
import type { WorkerSet } from "./worker_set.ts";

/** Calls and items that wait for workers. */
export interface WaitingWork {
  /** The host where they must run; `undefined` for any. */
  readonly host: string | undefined;
  /** How many wait. */
  readonly items: number;
  /** Whether sources have further items, whose number isn't known. */
  readonly hasMore: boolean;
}

/** The work that waits for workers, by the host where it must run. */
class Work {
  readonly #byHost = new Map<string | undefined, WaitingWork>();

  add(host: string | undefined, items: number): void {
    const known = this.#byHost.get(host);
    const isKnown = items < Infinity;
    this.#byHost.set(host, {
      host,
      items: (known?.items ?? 0) + (isKnown ? items : 0),
      hasMore: !isKnown || (known?.hasMore ?? false),
    });
  }

  get all(): WaitingWork[] {
    return [...this.#byHost.values()]
      .filter(({ items, hasMore }) => items > 0 || hasMore);
  }
}

/**
 * Returns the work that further workers could begin: what is queued, what waits
 * at workers, and what sources have left if the workers have no room for it.
 */
export function waitingWork(
  pending: PendingQueue,
  workers: WorkerSet,
  sources: CallSources,
): WaitingWork[] {
  const work = new Work();
  for (const [host, calls] of pending.lists()) work.add(host, calls.length);
  for (const { terms } of pending.isolated) work.add(terms.host, 1);
  const { nextBarrier } = pending;
  if (nextBarrier !== undefined && !workers.has(nextBarrier.host)) {
    work.add(nextBarrier.host, 1);
  }
  for (const worker of workers) {
    const waiting = worker.items - worker.window.concurrency;
    if (waiting > 0) work.add(worker.range, waiting);
  }
  for (const { host, left = Infinity } of sources.running) {
    if (workers.room(host) <= 0) work.add(host, left);
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
