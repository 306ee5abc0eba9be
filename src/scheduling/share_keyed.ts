import type { Call } from "../calls/call.ts";
import type { AffinityLists } from "./affinity_lists.ts";
import { isUsable, type KeyedWorkers } from "./keyed_workers.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Sends calls to workers. */
export interface KeyedCallTakers {
  /** Sends a call to a worker. */
  send(worker: WorkerHandle, call: Call): void;
  /** Called after a worker has got calls. */
  changed(worker: WorkerHandle): void;
}

/**
 * Puts calls whose worker gets no more calls, such as a lost one, before those
 * whose keys have no worker.
 */
export function unparkCalls(level: AffinityLists): void {
  const calls = level.parked.take((worker) => !isUsable(worker));
  for (const call of calls.toReversed()) {
    level.listFor(call.terms.placement).unshift(call);
  }
}

/** Returns whether calls wait for a worker that gets no more calls. */
export function hasStranded({ parked }: AffinityLists): boolean {
  for (const { worker } of parked.lists()) if (!isUsable(worker)) return true;
  return false;
}

/** Chooses workers for calls with keys that take resources. */
export function parkForResources(
  level: AffinityLists,
  keyed: KeyedWorkers,
): void {
  for (const [placement, calls] of level.keyedLists()) {
    if (placement?.needs === undefined) continue;
    for (;;) {
      const kind = calls.nextKind;
      if (kind === undefined) break;
      const worker = keyed.assign(kind.terms, false);
      if (worker === undefined) break;
      level.parked.push(worker, calls.shift()!);
    }
  }
}

/**
 * Sends calls with keys that take no resources to the workers of their keys. If
 * such a worker has no room, its calls wait there, and don't hold up others.
 *
 * @returns Whether further calls wait for workers of their keys.
 */
export function shareKeyed(
  level: AffinityLists,
  keyed: KeyedWorkers,
  { send, changed }: KeyedCallTakers,
): boolean {
  const { parked } = level;
  const used = new Set<WorkerHandle>();
  let hasParked = false;
  for (const { worker, placement, calls } of parked.lists()) {
    if (placement !== undefined) continue;
    while (calls.length > 0 && worker.hasRoom) {
      send(worker, calls.shift()!);
      used.add(worker);
    }
  }
  for (const [placement, calls] of level.keyedLists()) {
    if (placement?.needs !== undefined) continue;
    for (;;) {
      const kind = calls.nextKind;
      if (kind === undefined) break;
      // Without a worker that has room, none of these can be sent.
      const worker = keyed.assign(kind.terms, true);
      if (worker === undefined) break;
      const call = calls.shift()!;
      if (worker.hasRoom && !parked.has(worker)) {
        send(worker, call);
        used.add(worker);
      } else {
        parked.push(worker, call);
        hasParked = true;
      }
    }
  }
  for (const worker of used) {
    worker.flush();
    changed(worker);
  }
  return hasParked;
}
