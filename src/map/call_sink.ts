import type { Call } from "../calls/call.ts";
import type { CallSource } from "../scheduling/call_sources.ts";

/** Accepts the calls of a map; a scheduler implements it. */
export interface CallSink {
  /** Asks a source for calls from now on. */
  addSource(source: CallSource): void;
  /** Queues a call. */
  submit(call: Call): void;
  /** Queues a call for items that a worker left unprocessed. */
  resubmit(call: Call): void;
  /**
   * Queues a call for an item that runs again, after a pause.
   *
   * @param attempts How many times its task has run.
   * @param pause How long it waits, in milliseconds.
   */
  resubmitLater(call: Call, attempts: number, pause: number): void;
  /**
   * Starts a second run of a call at another worker.
   *
   * @param makeBackup Makes the call that runs the same.
   * @returns Whether it was started: not if no other worker is idle.
   */
  backUp(call: Call, makeBackup: () => Call): boolean;
  /** Schedules a dispatch: a source can submit more calls, or has ended. */
  wake(): void;
}
