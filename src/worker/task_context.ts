import {
  AbortController,
  cancelled,
  type DOMException,
} from "./primordials.ts";
import type { Grant } from "../protocol/worker_messages.ts";
import type { AnyFunction } from "./evaluate_task.ts";
import type { CallLabel } from "./call_label.ts";
import type { Job } from "./job.ts";
import { makeRandom } from "./make_random.ts";
import { WorkerPort } from "./worker_port.ts";

/** Opens the ports of calls, and knows their resources. */
export interface Ports {
  /** Returns the port of the call with an id. */
  port(id: number): WorkerPort;
  /** Returns what the call with an id may use of the machine. */
  resources(id: number): Grant;
}

/** The parts of a context that most tasks don't use. */
interface Extras {
  controller?: AbortController;
  reason?: DOMException;
  callback?: () => void;
  /** What the task runs for, if the call or item has a number. */
  label?: CallLabel;
  /** The seed of its random numbers, if it has one. */
  seed?: readonly number[];
  random?: () => number;
}

/** The `this` of a task. Each call has one, so it has few fields. */
export class TaskContext {
  /** A context that its task never saw, to use again. */
  static #spare: TaskContext | undefined;

  #id: number;
  /** Opens the port; `undefined` once the task has ended. */
  #ports: Ports | undefined;
  #extras: Extras | undefined;

  /** Constructs the context of a task that runs for the call with an id. */
  constructor(id: number, ports: Ports) {
    this.#id = id;
    this.#ports = ports;
  }

  /** Aborted when the caller no longer waits for the task. */
  get signal(): AbortSignal {
    const extras = this.#extras ??= {};
    if (extras.controller === undefined) {
      extras.controller = new AbortController();
      const { reason } = extras;
      if (reason !== undefined) extras.controller.abort(reason);
    }
    return extras.controller.signal;
  }

  /** Exchanges messages with the caller. */
  get port(): WorkerPort {
    // Code that the task left behind may ask for it.
    return this.#ports?.port(this.#id) ?? WorkerPort.closed();
  }

  /** What the task may use of the machine. */
  get resources(): Grant {
    return this.#ports?.resources(this.#id) ?? {};
  }

  /** Makes the random numbers of the call or item. */
  get random(): () => number {
    const extras = this.#extras ??= {};
    return extras.random ??= makeRandom(extras.seed, extras.label?.number);
  }

  /** Whether the signal is aborted, even if nobody has asked for it. */
  static isAborted(context: TaskContext): boolean {
    return context.#extras?.reason !== undefined;
  }

  /** Whether another task can't have the context. */
  static isUsed(context: TaskContext): boolean {
    return context.#extras !== undefined;
  }

  /** Gives a context the number of a call or item, and the seed, if there are any. */
  static number(
    context: TaskContext,
    { announced, task }: Job,
    index: number,
  ): void {
    if (announced?.index === undefined) return;
    const extras = context.#extras ??= {};
    extras.label = { task: task.name, number: announced.index + index };
    if (announced.seed.length > 0) extras.seed = announced.seed;
    delete extras.random;
  }

  /** Returns what the task of a context runs for, if that is known. */
  static label(context: TaskContext): CallLabel | undefined {
    return context.#extras?.label;
  }

  /** Calls `callback` once the signal was aborted; replaces the last callback. */
  static whenAborted(context: TaskContext, callback: () => void): void {
    context.#extras ??= {};
    context.#extras.callback = callback;
  }

  /**
   * Returns a context for the next task.
   *
   * @param isHidden Whether the task can't see it: see
   * {@linkcode TaskContext.release}.
   */
  static take(isHidden: boolean, id: number, ports: Ports): TaskContext {
    const spare = TaskContext.#spare;
    if (!isHidden || spare === undefined) return new TaskContext(id, ports);
    TaskContext.#spare = undefined;
    spare.#id = id;
    spare.#ports = ports;
    return spare;
  }

  /**
   * Ends a context that nobody refers to any more, except its task.
   *
   * @param isHidden Whether the task can't see it. Then another task may get it,
   * unless it has parts that most tasks don't use.
   */
  static release(context: TaskContext, isHidden: boolean): void {
    TaskContext.end(context);
    if (isHidden && context.#extras === undefined) {
      TaskContext.#spare = context;
    }
  }

  /** Marks a context's task as ended: it can't open its port any more. */
  static end(context: TaskContext): void {
    context.#ports = undefined;
  }

  /** Aborts the signal of a context. */
  static abort(context: TaskContext): void {
    const extras = context.#extras ??= {};
    if (extras.reason !== undefined) return;
    extras.reason = cancelled();
    extras.controller?.abort(extras.reason);
    extras.callback?.();
  }
}

/** The context of the task that is running synchronously right now. */
let current: TaskContext | undefined;

/**
 * Makes what `taskSignal()` and its like read from. These are globals because a
 * task module may import another copy of this package. Such a copy may also run
 * tasks in this thread; then both are asked.
 */
function provide(name: string, get: () => unknown): void {
  const key = Symbol.for(`@distex/pool ${name}`);
  const other = Reflect.get(globalThis, key) as (() => unknown) | undefined;
  Object.defineProperty(globalThis, key, {
    value: other === undefined ? get : () => get() ?? other(),
    configurable: true,
  });
}

provide("taskSignal", () => current?.signal);
provide("taskPort", () => current?.port);
provide("taskResources", () => current?.resources);
provide("taskRandom", () => current?.random);

/** Keeps what tasks run for, also after they have awaited something. */
export interface CallTracker {
  /** Calls a function with arguments, for something. */
  run<Args extends readonly unknown[], Result>(
    label: CallLabel | undefined,
    callback: (...args: Args) => Result,
    ...args: Args
  ): Result;
}

let tracker: CallTracker | undefined;

/** Lets a tracker know what tasks run for, from now on. */
export function trackCalls(calls: CallTracker): void {
  tracker = calls;
}

/** Runs a task's function until it returns or first awaits. */
export function runTask(
  run: AnyFunction,
  context: TaskContext,
  args: readonly unknown[],
): unknown {
  current = context;
  try {
    if (tracker === undefined) return Reflect.apply(run, context, args);
    const label = TaskContext.label(context);
    return tracker.run(label, Reflect.apply, run, context, args);
  } finally {
    current = undefined;
  }
}

/** Calls a function with one argument, and without a list, which is garbage. */
export const invoke = Function.prototype.call.bind(Function.prototype.call) as (
  run: AnyFunction,
  self: unknown,
  item: unknown,
) => unknown;

/** Does the same as {@linkcode runTask} with a single argument. */
export function runTaskWith(
  run: AnyFunction,
  context: TaskContext,
  item: unknown,
): unknown {
  current = context;
  try {
    if (tracker === undefined) return invoke(run, context, item);
    const label = TaskContext.label(context);
    return tracker.run(label, invoke, run, context, item);
  } finally {
    current = undefined;
  }
}

/** Runs a part of a task, such as a generator's body up to its next value. */
export function resumeTask<Subject, Result>(
  context: TaskContext,
  part: (subject: Subject) => Result,
  subject: Subject,
): Result {
  const outer = current;
  current = context;
  try {
    if (tracker === undefined) return part(subject);
    return tracker.run(TaskContext.label(context), part, subject);
  } finally {
    current = outer;
  }
}
