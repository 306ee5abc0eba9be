import type {
  WorkerActivity,
  WorkerState,
} from "../scheduling/worker_activity.ts";
import { formatDuration } from "../util/format_duration.ts";
import { count, listed } from "./phrases.ts";

/** What follows the task of a worker, by its state. */
const AFTER_TASK: Partial<Record<WorkerState, string>> = {
  isolated: ", alone after a loss",
  overdue: ", and is about to be replaced",
  leaving: ", and gets no more tasks",
};

/** Lists workers, those that haven't answered for the longest time first. */
export function describeWorkers(workers: readonly WorkerActivity[]): string {
  return listed(
    workers.toSorted((one, other) => other.silence - one.silence)
      .map(describeWorker),
  );
}

/** Describes what a worker does. */
export function describeWorker(activity: WorkerActivity): string {
  const { worker, state, task } = activity;
  if (state === "sending") return `${worker} is sending a large result`;
  const kept = "kept for a task that has waited longer";
  if (task === undefined) {
    return `${worker} is ${state === "kept" ? kept : "free"}`;
  }
  const name = state === "kept" ? `${worker}, ${kept},` : worker;
  return `${name} ${describeTask(activity, task)}${AFTER_TASK[state] ?? ""}`;
}

/** Describes how long a worker has run a task. */
function describeTask(
  { tasks, concurrency, silence, isCancelled }: WorkerActivity,
  task: string,
): string {
  const time = formatDuration(silence);
  const name = isCancelled ? `'${task}', which was cancelled,` : `'${task}'`;
  if (concurrency === 1) return `has run ${name} for ${time}`;
  const others = Math.min(tasks, concurrency) - 1;
  const more = others > 0 ? ` and ${count(others, "other")}` : "";
  return `runs ${name}${more}, and has answered nothing for ${time}`;
}
