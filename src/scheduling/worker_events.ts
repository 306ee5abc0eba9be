import type { Call } from "../calls/call.ts";
import type { FailedAttempt } from "../calls/failed_attempt.ts";
import type { WorkerPlace } from "../options/place.ts";
import type { WorkerEnd, WorkerProcess } from "../spawner/worker_process.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { UnansweredCalls } from "./calls_in_flight.ts";
import type { HostTally } from "./host_tally.ts";
import type { ModuleSource } from "./sent_modules.ts";

/** A worker's process, its host's tally and the settings that apply to it. */
export interface WorkerProfile {
  /** The worker's process. */
  readonly process: WorkerProcess;
  /** The tally of the worker's host. */
  readonly tally: HostTally;
  /** The worker's machine; `undefined`: one without labels and amounts. */
  readonly place?: WorkerPlace;
  /** The source of modules, for a worker on another machine. */
  readonly modules: ModuleSource | undefined;
  /**
   * Whether the worker is connected by TCP. A TCP connection that breaks can
   * lose the worker's last messages.
   */
  readonly overTcp?: boolean;
  /** How many calls the worker runs at once. */
  readonly concurrency: number;
  /** How long an abandoned call may continue, in milliseconds. */
  readonly cancelGrace: number;
}

/** How a worker was lost, and its unanswered calls. */
export interface LostWorker extends UnansweredCalls {
  /** How its process ended. */
  readonly end: WorkerEnd;
  /** The error that ended the connection, if any. */
  readonly cause: unknown;
}

/**
 * Whether a worker is kept for calls in isolation: `"isolated"` while it runs one
 * of them; `"draining"` while it gets no new calls, because one waits for it.
 */
export type Reservation = "isolated" | "draining" | undefined;

/** Which calls a worker should give back. */
export interface RecallRequest {
  /** One part in this many stays at the worker; 0: nothing stays. */
  readonly parts: number;
  /** How many items stay at least. */
  readonly keep: number;
  /** Whether the worker may cut a chunk that has begun. */
  readonly cut: boolean;
}

/** A worker's callbacks to its scheduler. */
export interface WorkerEvents {
  /**
   * Handles a change of what the worker has or can take.
   *
   * @param answered How many calls it answered.
   */
  changed(answered: number): void;
  /** Handles how long the worker was busy with single calls of a task. */
  measured?(
    task: RegisteredTask,
    calls: number,
    microseconds: number,
  ): void;
  /**
   * Decides what follows an error of a task, before the call counts as answered.
   *
   * @returns `undefined` if the call doesn't run again.
   */
  judge?(call: Call, thrown: unknown): FailedAttempt | undefined;
  /** Handles a call that was answered, and should run again. */
  rerun?(call: Call, failed: FailedAttempt): void;
  /** Handles that a run of a call goes on in its place, while it runs again. */
  left?(call: Call, run: Call): void;
  /** Handles that a call of the worker doesn't use its resources any more. */
  freed?(call: Call): void;
  /** Handles calls that the worker has given back, in the order of their ids. */
  givenBack?(calls: readonly Call[]): void;
  /** Handles that the worker uses too much memory, and expects a recall. */
  full?(): void;
  /** Handles that a task was sent to the worker. */
  defined?(task: number): void;
  /** Returns whether anything waits for a worker. */
  isNeeded?(): boolean;
}
