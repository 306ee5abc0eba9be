import type { Call } from "../calls/call.ts";
import type { CallList } from "./call_list.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/** Sends a call to a worker. */
type Send = (worker: WorkerHandle, call: Call) => void;

/**
 * Distributes waiting calls to workers until no calls are left or no worker has
 * room. Workers with fewer calls get more.
 *
 * @param host The host of the calls; `undefined`: any.
 * @param send Sends a call to a worker.
 * @param sent Called after a worker has got calls.
 */
export function shareFairly(
  calls: CallList,
  workers: WorkerSet,
  host: string | undefined,
  send: Send,
  sent: (worker: WorkerHandle) => void,
): void {
  while (calls.length > 0 && workers.room(host) > 0) {
    // Repeat: large calls fill a window early, and some calls can't be sent.
    shareOnce(calls, workers, host, send, sent);
  }
}

function shareOnce(
  calls: CallList,
  workers: WorkerSet,
  host: string | undefined,
  send: Send,
  sent: (worker: WorkerHandle) => void,
): void {
  const fair = workers.fairShare(host, calls.length);
  while (calls.length > 0) {
    const worker = workers.leastBusy(host);
    if (!worker?.hasRoom || worker.window.calls >= fair) return;
    while (worker.window.calls < fair && worker.window.room > 0) {
      const call = calls.shift();
      if (call === undefined) break;
      send(worker, call);
    }
    worker.flush();
    sent(worker);
  }
}
