import type { KnownHosts } from "./unmet_placements.ts";
import type { LostWorker } from "./worker_events.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** The scheduler's callbacks to its owner. */
export interface SchedulerEvents extends KnownHosts {
  /** Handles the loss of a worker, which may have been the last one. */
  lost(worker: WorkerHandle, loss: LostWorker): void;
  /** Handles that a worker gets no more calls, because its memory is used up. */
  full?(worker: WorkerHandle): void;
  /** Called after calls were submitted or answered, and sent as far as possible. */
  dispatched?(): void;
}
