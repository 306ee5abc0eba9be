import type { Call } from "../calls/call.ts";
import type { Placement } from "../calls/placement.ts";
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

/** Calls at the head of the queue that are expected to take long. */
export interface SlowCalls {
  /** How many these are. */
  calls: number;
  /** How long each takes at least, in microseconds. */
  readonly microseconds: number;
}

/**
 * Distributes waiting calls to workers until no calls are left or no worker has
 * room. Workers with fewer calls get more.
 *
 * @param placement Where the calls may run; `undefined`: anywhere.
 * @param durations How long calls take.
 * @param send Sends a call to a worker.
 * @param changed Called after a worker has got calls, or its window has changed.
 * @param slow The first calls, if they are expected to take long.
 */
export function shareFairly(
  calls: CallList,
  workers: WorkerSet,
  placement: Placement | undefined,
  durations: TaskDurations,
  send: Send,
  changed: (worker: WorkerHandle) => void,
  slow: SlowCalls,
): void {
  while (calls.length > 0) {
    const worker = workers.leastBusy(placement);
    if (!worker?.hasRoom) return;
    const { window } = worker;
    if (slow.calls > 0 && window.microseconds < slow.microseconds) {
      const { room } = window;
      window.expect(slow.microseconds);
      changed(worker);
      // Another worker may have more room now. The average may be rounded, so
      // the worker could be asked to expect the same for ever.
      if (window.room < room) continue;
    }
    const microseconds = slow.calls > 0
      ? slow.microseconds
      : durationOfNext(calls, durations);
    const most = Math.min(
      Math.max(
        workers.fairShare(placement, calls.length),
        window.calls + batchSize(calls.length, microseconds),
      ),
      // What a distant worker doesn't need may begin elsewhere sooner.
      Math.max(window.needed, workers.evenShare(placement, calls.length)),
    );
    if (most <= window.calls) return;
    while (window.calls < most && window.room > 0) {
      const call = calls.shift();
      if (call === undefined) break;
      slow.calls--;
      send(worker, call);
    }
    worker.flush();
    changed(worker);
  }
}

/** Returns how long the first call takes; 0 if that is unknown. */
function durationOfNext(calls: CallList, durations: TaskDurations): number {
  const kind = calls.nextKind;
  if (kind === undefined || kind.chunk !== undefined) return 0;
  return durations.of(kind.task);
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
