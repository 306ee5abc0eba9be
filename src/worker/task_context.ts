import {
  AbortController,
  cancelled,
  type DOMException,
} from "./primordials.ts";
import type { AnyFunction } from "./task_table.ts";
import { WorkerPort } from "./worker_port.ts";

/** Opens the ports of calls. */
export interface Ports {
  /** Returns the port of the call with an id. */
  port(id: number): WorkerPort;
}

/** The `this` of a task. */
export class TaskContext {
  readonly #id: number;
  readonly #ports: Ports;
  #controller: AbortController | undefined;
  #reason: DOMException | undefined;
  #onAbort: (() => void) | undefined;
  #hasEnded = false;

  /** Constructs the context of a task that runs for the call with an id. */
  constructor(id: number, ports: Ports) {
    this.#id = id;
    this.#ports = ports;
  }

  /** Aborted when the caller no longer waits for the task. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Exchanges messages with the caller. */
  get port(): WorkerPort {
    // Code that the task left behind may ask for it.
    return this.#hasEnded ? WorkerPort.closed() : this.#ports.port(this.#id);
  }

  /** Whether the signal is aborted, even if nobody has asked for it. */
  static isAborted(context: TaskContext): boolean {
    return context.#reason !== undefined;
  }

  /** Calls `callback` once the signal was aborted; replaces the last callback. */
  static whenAborted(context: TaskContext, callback: () => void): void {
    context.#onAbort = callback;
  }

  /** Marks a context's task as ended: it can't open its port any more. */
  static end(context: TaskContext): void {
    context.#hasEnded = true;
  }

  /** Aborts the signal of a context. */
  static abort(context: TaskContext): void {
    if (context.#reason !== undefined) return;
    const reason = cancelled();
    context.#reason = reason;
    context.#controller?.abort(reason);
    context.#onAbort?.();
  }
}

/** The context of the task that is running synchronously right now. */
let current: TaskContext | undefined;

/**
 * `taskSignal()` and `taskPort()` read from here. These are globals because a
 * task module may import another copy of this package.
 */
Object.defineProperty(globalThis, Symbol.for("@distex/pool taskSignal"), {
  value: () => current?.signal,
});
Object.defineProperty(globalThis, Symbol.for("@distex/pool taskPort"), {
  value: () => current?.port,
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

/** Runs a part of a task, such as a generator's body up to its next value. */
export function resumeTask<Result>(
  context: TaskContext,
  part: () => Result,
): Result {
  const outer = current;
  current = context;
  try {
    return part();
  } finally {
    current = outer;
  }
}
