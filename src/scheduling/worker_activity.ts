import type { Call } from "../calls/call.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/**
 * What a worker does:
 *
 * - `"idle"`: it has no calls.
 * - `"running"`: it runs a call.
 * - `"isolated"`: it runs a call in isolation, and gets no other.
 * - `"kept"`: it gets no other calls, as one waits for it that needs a free
 *   worker.
 * - `"sending"`: it sends a large result, and begins no call until then.
 * - `"overdue"`: it runs a cancelled call for longer than the grace period.
 * - `"leaving"`: it finishes what it has, or ends, and gets no more calls.
 */
export type WorkerState =
  | "idle"
  | "running"
  | "isolated"
  | "kept"
  | "sending"
  | "overdue"
  | "leaving";

/** A worker and what it does. */
export interface WorkerActivity {
  /** The worker's name in messages. */
  readonly worker: string;
  /** What it does. */
  readonly state: WorkerState;
  /** The task that it runs, the first one of several. */
  readonly task: string | undefined;
  /** Whether that task was cancelled. */
  readonly isCancelled: boolean;
  /** How many tasks it has, with the items of chunks. */
  readonly tasks: number;
  /** How many tasks it runs at once at most. */
  readonly concurrency: number;
  /** For how long it could have answered, but hasn't, in milliseconds. */
  readonly silence: number;
}

/** Returns what a worker does. */
export function activityOf(worker: WorkerHandle): WorkerActivity {
  const { name, window, items } = worker;
  const first = firstOf(worker);
  return {
    worker: name,
    state: stateOf(worker),
    task: first?.task.name,
    isCancelled: first?.state === "abandoned",
    tasks: items,
    concurrency: window.concurrency,
    silence: window.silence,
  };
}

/** Returns the call of a worker that has begun first and isn't paused. */
function firstOf({ calls }: WorkerHandle): Call | undefined {
  for (const call of calls) if (call.hasPlace) return call;
  return undefined;
}

function stateOf(worker: WorkerHandle): WorkerState {
  const { reservation, isReceptive, isEnding, isRetired, window } = worker;
  if (isEnding || isRetired) return "leaving";
  if (reservation === "isolated") return "isolated";
  if (reservation === "draining") return "kept";
  if (!isReceptive) return worker.isSending ? "sending" : "overdue";
  return window.calls === 0 ? "idle" : "running";
}
