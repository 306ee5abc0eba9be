import { AbortController, DOMException } from "./primordials.ts";
import type { AnyFunction } from "./task_table.ts";

/** What a task has as its `this`. */
export class TaskContext {
  #controller: AbortController | undefined;
  #reason: DOMException | undefined;

  /** Aborted when no one waits for the task any more. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Tells the task that no one waits for it any more. */
  abort(): void {
    this.#reason = new DOMException("The task was cancelled", "AbortError");
    this.#controller?.abort(this.#reason);
  }
}

/** The task that is being run at this moment. */
let current: TaskContext | undefined;

/**
 * Where `taskSignal()` finds the signal: a task module may have a copy of this
 * package of its own.
 */
Object.defineProperty(globalThis, Symbol.for("@distex/pool taskSignal"), {
  value: () => current?.signal,
});

/** Runs a task's function until it returns or first awaits. */
export function runTask(
  run: AnyFunction,
  context: TaskContext,
  args: readonly unknown[],
): unknown {
  current = context;
  try {
    return Reflect.apply(run, context, args);
  } finally {
    current = undefined;
  }
}
