import type { RegisteredTask } from "../tasks/task_registry.ts";
import { withSourcePositions } from "../tasks/source_positions.ts";

/**
 * Removes the frames of an error that the pool itself makes, which point into
 * the pool, before those of a caller are added. Deno prints the frames of an
 * uncaught error from its `stack` only if nobody has read that before.
 */
export function withoutFrames<E extends Error>(error: E): E {
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}`,
    writable: true,
    configurable: true,
  });
  return error;
}

/** Where in the user's program a call was made. */
export class CallerTrace {
  /** Set by `captureStackTrace`; V8 formats it when it is read. */
  declare readonly stack: string;

  /** Captures the stack above the function `below`. */
  constructor(below: (...args: never[]) => unknown) {
    Error.captureStackTrace(this, below);
  }

  /** Adds the caller's frames to the worker's, if an error was thrown. */
  addTo(thrown: unknown, task?: RegisteredTask): unknown {
    if (!(thrown instanceof Error)) return thrown;
    return addFrames(thrown, this.stack, "    at ", task);
  }
}

/**
 * Returns a promise that is rejected with an error. The error gets the frames
 * of the async functions that await the promise resolved with this one: V8
 * finds them at no cost beforehand, but only those that await it by then.
 *
 * @see {@link https://v8.dev/docs/stack-trace-api#async-stack-traces}
 */
export async function rejectWithAwaiters(
  thrown: unknown,
  task?: RegisteredTask,
): Promise<never> {
  // Two turns later, the other promise awaits this one.
  await undefined;
  await undefined;
  if (!(thrown instanceof Error)) throw thrown;
  throw addFrames(thrown, new Error().stack ?? "", "    at async ", task);
}

/** Appends the lines of a stack that begin with `prefix`, as frames do. */
function addFrames(
  error: Error,
  stack: string,
  prefix: string,
  task: RegisteredTask | undefined,
): Error {
  const frames = stack.split("\n").filter((line) => line.startsWith(prefix));
  if (frames.length > 0) {
    Object.defineProperty(error, "stack", {
      value: [ownStack(error, task, frames), ...frames].join("\n"),
      writable: true,
      configurable: true,
    });
  }
  return error;
}

/** Returns an error's stack with the places of an inline task in its file. */
function ownStack(
  { stack }: Error,
  task: RegisteredTask | undefined,
  frames: readonly string[],
): unknown {
  if (task === undefined || typeof stack !== "string") return stack;
  return withSourcePositions(stack, task, frames.join("\n"));
}

/** How many callers are traced in a millisecond. */
const MAX_TRACES = 4;

/**
 * Traces callers, a few in a millisecond: capturing a stack takes longer than
 * the rest of a call, which would slow down batches of calls.
 */
export class CallerTracer {
  #since = -Infinity;
  #traces = 0;

  /** Captures the stack above `below`, unless too many were captured. */
  trace(below: (...args: never[]) => unknown): CallerTrace | undefined {
    const now = performance.now();
    if (now - this.#since >= 1) {
      this.#since = now;
      this.#traces = 0;
    }
    return ++this.#traces > MAX_TRACES ? undefined : new CallerTrace(below);
  }
}
