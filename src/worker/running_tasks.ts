import { TaskContext } from "./task_context.ts";

/** The async tasks that have begun but not ended. */
export class RunningTasks {
  /** Their contexts by call; a chunk has several. */
  readonly #contexts = new Map<number, Set<TaskContext>>();
  #count = 0;

  /** How many tasks are running, without those that are paused. */
  get count(): number {
    return this.#count;
  }

  /** Adds a task of a call. */
  add(id: number, context: TaskContext): void {
    this.#count++;
    this.watch(id, context);
  }

  /** Removes a task of a call. */
  delete(id: number, context: TaskContext): void {
    this.#count--;
    this.unwatch(id, context);
  }

  /** Lets {@linkcode RunningTasks.abort} abort a context, without counting it. */
  watch(id: number, context: TaskContext): void {
    const contexts = this.#contexts.get(id);
    if (contexts === undefined) this.#contexts.set(id, new Set([context]));
    else contexts.add(context);
  }

  /** Undoes {@linkcode RunningTasks.watch}. */
  unwatch(id: number, context: TaskContext): void {
    const contexts = this.#contexts.get(id);
    contexts?.delete(context);
    if (contexts?.size === 0) this.#contexts.delete(id);
  }

  /** Stops counting a task that waits for its reader. */
  pause(): void {
    this.#count--;
  }

  /** Counts a paused task again. */
  resume(): void {
    this.#count++;
  }

  /** Aborts the signals of all tasks. */
  abortAll(): void {
    for (const id of [...this.#contexts.keys()]) this.abort(id);
  }

  /** Aborts the signals of a call's tasks. */
  abort(id: number): void {
    for (const context of this.#contexts.get(id) ?? []) {
      TaskContext.abort(context);
    }
  }
}
