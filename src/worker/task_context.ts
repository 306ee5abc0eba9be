import { AbortController, DOMException } from "./primordials.ts";
import type { AnyFunction } from "./task_table.ts";

/** The `this` of a task. */
export class TaskContext {
  #controller: AbortController | undefined;
  #reason: DOMException | undefined;

  /** Aborted when the caller no longer waits for the task. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Aborts the signal. */
  abort(): void {
    this.#reason = new DOMException("The task was cancelled", "AbortError");
    this.#controller?.abort(this.#reason);
  }
}

/** The context of the task that is running synchronously right now. */
let current: TaskContext | undefined;

/**
 * `taskSignal()` reads the signal from here. It is a global because a task
 * module may import another copy of this package.
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
