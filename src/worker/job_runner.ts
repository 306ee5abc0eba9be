import type { CallStreams } from "./call_streams.ts";
import type { ExecutorEvents } from "./executor_events.ts";
import { callId, type ChunkProgress, type Job } from "./job.ts";
import type { JobOutcomes } from "./job_outcomes.ts";
import type { JobQueue } from "./job_queue.ts";
import { cancelled, restorePrimordials } from "./primordials.ts";
import { type Returned, runItems } from "./run_items.ts";
import type { RunningTasks } from "./running_tasks.ts";
import { runTask, runTaskWith, TaskContext } from "./task_context.ts";
import { isPromiseLike } from "../util/is_promise_like.ts";

/** The parts of an executor that its job runner needs. */
export interface JobRunnerParts {
  readonly streams: CallStreams;
  readonly jobs: JobQueue;
  readonly running: RunningTasks;
  readonly outcomes: JobOutcomes;
  readonly events: ExecutorEvents;
}

/** Runs the task of each call or item, and awaits the async ones. */
export class JobRunner {
  readonly #streams: CallStreams;
  readonly #jobs: JobQueue;
  readonly #running: RunningTasks;
  readonly #outcomes: JobOutcomes;
  readonly #events: ExecutorEvents;

  /** Constructs the job runner of an executor. */
  constructor({ streams, jobs, running, outcomes, events }: JobRunnerParts) {
    this.#streams = streams;
    this.#jobs = jobs;
    this.#running = running;
    this.#outcomes = outcomes;
    this.#events = events;
  }

  /** Begins a call or an item, unless it was cancelled. */
  begin(job: Job, index: number): void {
    const id = callId(job, index);
    if (this.#jobs.takeCancelled(id)) {
      const { chunk } = job;
      if (chunk?.settles) {
        // An item that throws doesn't end it.
        job.next = index;
        this.#outcomes.skipRest(job, chunk);
      } else if (chunk !== undefined) {
        this.#outcomes.threw(job, index, cancelled(), undefined);
      }
      return;
    }
    const item = job.items[index];
    const context = TaskContext.take(!job.task.seesThis, id, this.#streams);
    if (job.announced !== undefined) TaskContext.number(context, job, index);
    let value: unknown;
    let isAsync: boolean;
    try {
      const run = job.task.run!;
      value = job.spread
        ? runTask(run, context, item as unknown[])
        : runTaskWith(run, context, item);
      isAsync = isPromiseLike(value);
    } catch (error) {
      restorePrimordials();
      return this.#outcomes.threw(job, index, error, context);
    }
    this.#ran(job, index, value, isAsync, context);
  }

  /**
   * Runs the next items of a chunk until one needs more care.
   *
   * @param most How many items to run at most.
   */
  runItems(job: Job, chunk: ChunkProgress, most: number): void {
    const context = TaskContext.take(true, job.id, this.#streams);
    let end: Returned | "settled" | "paused";
    let isAsync: boolean;
    try {
      end = runItems({ job, chunk, context, most });
      isAsync = typeof end === "object" && isPromiseLike(end.value);
    } catch (error) {
      restorePrimordials();
      return this.#outcomes.threw(job, job.next - 1, error, context);
    }
    if (typeof end === "object") {
      return this.#ran(job, job.next - 1, end.value, isAsync, context);
    }
    TaskContext.release(context, true);
    if (end === "settled") this.#outcomes.sendChunk(job, chunk);
  }

  /** Handles what a task has returned, which may be a promise. */
  #ran(
    job: Job,
    index: number,
    value: unknown,
    isAsync: boolean,
    context: TaskContext,
  ): void {
    if (!isAsync) return this.#outcomes.returned(job, index, value, context);
    restorePrimordials();
    this.#running.add(callId(job, index), context);
    this.#finish(job, index, value, context);
  }

  /** Awaits an async task's promise; a bad then() can't settle it twice. */
  async #finish(
    job: Job,
    index: number,
    value: unknown,
    context: TaskContext,
  ): Promise<void> {
    let settle: () => void;
    try {
      const result = await value;
      settle = () => this.#outcomes.returned(job, index, result, context);
    } catch (error) {
      settle = () => this.#outcomes.threw(job, index, error, context);
    }
    this.#events.attempt(() => {
      this.#running.delete(callId(job, index), context);
      settle();
      this.#events.schedule();
    });
  }
}
