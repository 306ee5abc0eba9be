import type { Call } from "../calls/call.ts";
import type { CallList } from "./call_list.ts";
import type { TaskDurations } from "./task_durations.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { WorkerSet } from "./worker_set.ts";

/**
 * What a message to another worker costs, in microseconds: its way out, and the
 * way of its answer.
 */
const MESSAGE_MICROSECONDS = 20;

/** Sends a call to a worker. */
type Send = (worker: WorkerHandle, call: Call) => void;

/**
 * Distributes waiting calls to workers until no calls are left or no worker has
 * room. Workers with fewer calls get more.
 *
 * @param host The host of the calls; `undefined`: any.
 * @param durations How long calls take.
 * @param send Sends a call to a worker.
 * @param sent Called after a worker has got calls.
 */
export function shareFairly(
  calls: CallList,
  workers: WorkerSet,
  host: string | undefined,
  durations: TaskDurations,
  send: Send,
  sent: (worker: WorkerHandle) => void,
): void {
  for (let first; (first = calls.peek()) !== undefined;) {
    const worker = workers.leastBusy(host);
    if (!worker?.hasRoom) return;
    const { window } = worker;
    const microseconds = first.chunk === undefined
      ? durations.of(first.task)
      : 0;
    const most = Math.max(
      workers.fairShare(host, calls.length),
      window.calls + batchSize(calls.length, microseconds),
    );
    while (window.calls < most && window.room > 0) {
      const call = calls.shift();
      if (call === undefined) break;
      send(worker, call);
    }
    worker.flush();
    sent(worker);
  }
}

/**
 * Returns how many calls a message should have at least: with fewer, further
 * messages would take longer than the calls.
 *
 * @param calls How many calls wait.
 * @param microseconds How long a call takes; 0 if that is unknown.
 */
function batchSize(calls: number, microseconds: number): number {
  if (microseconds === 0) return 1;
  const size = Math.sqrt(calls * MESSAGE_MICROSECONDS / microseconds);
  return Math.max(1, Math.floor(size));
}
