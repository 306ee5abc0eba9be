import type { Call } from "../calls/call.ts";
import type { CallList } from "./call_list.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Sends a call to a worker. */
type Send = (worker: WorkerHandle, call: Call) => void;

/**
 * Distributes waiting calls to workers until no calls are left or no worker has
 * room. Workers with fewer calls get more.
 *
 * @param send Sends a call to a worker.
 */
export function shareFairly(
  calls: CallList,
  workers: readonly WorkerHandle[],
  send: Send,
): void {
  let free = workers.filter(({ hasRoom }) => hasRoom);
  while (free.length > 0 && calls.length > 0) {
    shareOnce(calls, free, send);
    // Repeat: large calls fill a window early, and some calls can't be sent.
    free = free.filter(({ hasRoom }) => hasRoom);
  }
}

function shareOnce(calls: CallList, workers: WorkerHandle[], send: Send): void {
  workers.sort((a, b) => a.window.calls - b.window.calls);
  let load = calls.length;
  for (const worker of workers) load += worker.window.calls;
  const fair = Math.ceil(load / workers.length);
  for (const worker of workers) {
    while (worker.window.calls < fair && worker.window.room > 0) {
      const call = calls.shift();
      if (call === undefined) break;
      send(worker, call);
    }
    worker.flush();
  }
}
