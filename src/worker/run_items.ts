import type { ChunkProgress, Job } from "./job.ts";
import { invoke, resumeTask, TaskContext } from "./task_context.ts";

/** Items of a chunk to run, all with one context, which the task can't see. */
export interface ItemRun {
  readonly job: Job;
  readonly chunk: ChunkProgress;
  readonly context: TaskContext;
  /** How many items to run at most. */
  readonly most: number;
}

/** The item that ended a run returned an object, which may be a promise. */
export interface Returned {
  readonly value: object;
}

/**
 * Runs the next items of a chunk, and records their values. An item takes only
 * a few nanoseconds beyond its task.
 *
 * @returns The object that the last item has returned, if it did: it isn't
 * recorded. `"settled"`: all items of the chunk are. `"paused"`: there are more.
 * @throws The error of the last item that began.
 */
export function runItems(run: ItemRun): Returned | "settled" | "paused" {
  return resumeTask(run.context, runInContext, run);
}

function runInContext(
  { job, chunk, context, most }: ItemRun,
): Returned | "settled" | "paused" {
  const { items } = job;
  const run = job.task.run!;
  const end = Math.min(items.length, job.next + most);
  while (job.next < end) {
    const index = job.next++;
    const value = invoke(run, context, items[index]);
    if (typeof value === "object" && value !== null) return { value };
    if (chunk.returned(index, value)) return "settled";
    // The task's signal is for this item only.
    if (chunk.isLarge || TaskContext.isUsed(context)) break;
  }
  return "paused";
}
