import type { Call } from "../calls/call.ts";
import type { CallCounts } from "../calls/call_counts.ts";
import { withoutFrames } from "../calls/caller_trace.ts";
import { OutOfMemoryError } from "../errors/out_of_memory_error.ts";
import { WorkerLostError } from "../errors/worker_lost_error.ts";
import { Retries } from "./retries.ts";
import type { LostWorker } from "./worker_events.ts";

/** The queue that gets the calls of lost workers. */
export interface LostCallsEvents {
  /** Queues calls that can't have begun, before all others. */
  moved(calls: readonly Call[]): void;
  /** Queues a call, or one of its parts, to run again in isolation. */
  rerun(call: Call): void;
}

/** Moves, retries or fails the calls of lost workers. */
export class LostCalls {
  readonly #retries = new Retries();
  readonly #counts: CallCounts;
  readonly #events: LostCallsEvents;

  /**
   * Constructs an object that hasn't handled a loss yet.
   *
   * @param counts Counts the calls that run in place of lost ones.
   */
  constructor(counts: CallCounts, events: LostCallsEvents) {
    this.#counts = counts;
    this.#events = events;
  }

  /**
   * Handles the calls that a lost worker had.
   *
   * @param worker The name of the worker.
   */
  settle(worker: string, loss: LostWorker): void {
    const lost = loss.begun.filter(isPending);
    const moved: Call[] = [];
    for (const call of loss.unbegun) {
      if (isPending(call)) (isMovable(call) ? moved : lost).push(call);
    }
    for (const call of moved) call.requeue();
    this.#events.moved(moved);
    for (const call of lost) this.#lose(call, worker, loss);
  }

  #lose(lost: Call, worker: string, { end, cause }: LostWorker): void {
    const call = lost.leaveToTwin();
    if (call === undefined) return;
    const tries = this.#retries.losses(call) + 1;
    const mayRerun = call.state !== "abandoned" && call.isRepeatable &&
      tries <= call.terms.retries;
    if (mayRerun) {
      return this.#retries.rerun(call, (next) => {
        if (next !== call) next.submit(this.#counts);
        this.#events.rerun(next);
      });
    }
    const { exitStatus, stderrTail, memory } = end;
    const loss = { worker, exitStatus, stderrTail };
    const { name } = call.task;
    const error = memory === undefined
      ? new WorkerLostError(name, tries, loss, { cause })
      : new OutOfMemoryError(name, tries, loss, memory, { cause });
    call.fail(withoutFrames(error));
  }
}

/** Returns whether a lost worker's call wasn't settled while in flight. */
function isPending(call: Call): boolean {
  return call.state !== "settled";
}

function isMovable(call: Call): boolean {
  return call.state !== "abandoned" && !call.terms.pinned &&
    call.isRepeatable && !call.hasTwin;
}
