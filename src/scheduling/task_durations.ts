import type { RegisteredTask } from "../tasks/task_registry.ts";
import { LeastDuration } from "./least_duration.ts";

/** How long single calls of each task take, on any worker. */
export class TaskDurations {
  readonly #durations = new WeakMap<RegisteredTask, LeastDuration>();

  /** Returns how long a call takes, in microseconds; 0 if that is unknown. */
  of(task: RegisteredTask): number {
    return this.#durations.get(task)?.microseconds ?? 0;
  }

  /** Adds single calls answered in one message, and how long they took. */
  add(task: RegisteredTask, calls: number, microseconds: number): void {
    let duration = this.#durations.get(task);
    if (duration === undefined) {
      duration = new LeastDuration();
      this.#durations.set(task, duration);
    }
    duration.add(calls, microseconds);
  }
}
