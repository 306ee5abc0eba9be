import { Call } from "../calls/call.ts";
import { lastAttempt } from "../calls/failed_attempt.ts";
import type { CallRunner } from "../calls/call_owner.ts";
import type { ResultMode } from "../protocol/worker_messages.ts";
import type { CallsInFlight } from "./calls_in_flight.ts";
import type { WorkerEvents } from "./worker_events.ts";

/**
 * Stands at a worker for a call that has ended, or runs again elsewhere, although
 * the worker hasn't answered it. The answer doesn't count.
 */
export class LeftRun extends Call {
  readonly #mode: ResultMode;

  /**
   * Constructs it in place of a call.
   *
   * @param items The items that the worker got, if the call is a chunk.
   */
  constructor({ kind, mode }: Call, items: readonly unknown[] = []) {
    super(kind, items);
    this.#mode = mode;
  }

  override get mode(): ResultMode {
    return this.#mode;
  }

  protected override resolved(): void {}

  protected override rejected(): void {}
}

/** A worker, as the end of a run concerns it. */
export interface RunEndParts {
  /** The worker. */
  readonly worker: CallRunner<Call>;
  /** Its unanswered calls. */
  readonly calls: CallsInFlight;
  /** The callbacks to its scheduler. */
  readonly events: WorkerEvents | undefined;
}

/**
 * Cancels the run of a call that a worker has. The call fails, or runs again as
 * if its task had thrown the error.
 */
export function endRun(call: Call, error: unknown, parts: RunEndParts): void {
  const { worker, calls, events } = parts;
  const failed = events?.judge?.(call, error);
  if (failed === undefined) return void call.cancel(error, 1);
  const { attempts, pause, reason } = failed;
  if (pause === undefined) return void call.cancel(reason, attempts);
  // The task may begin to read them before it learns that it is cancelled.
  if ((call.streams?.indexes.length ?? 0) > 0) {
    return void call.cancel(lastAttempt(reason, attempts).reason, attempts);
  }
  // The program may have ended it when it was asked.
  if (call.state !== "sent") return;
  const run = new LeftRun(call);
  events?.left?.(call, run);
  run.send(worker, call.id, call.message, call.bytes);
  calls.replace(call, run);
  run.abandon();
  events?.rerun?.(call, failed);
}
