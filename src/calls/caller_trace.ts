import type { RegisteredTask } from "../tasks/task_registry.ts";
import { withSourcePositions } from "../tasks/source_positions.ts";

/** Where in the user's program a call comes from. */
export class CallerTrace {
  /** Set by `captureStackTrace`; V8 makes its text when it is read. */
  declare readonly stack: string;

  /** Captures the stack above the function `below`. */
  constructor(below: (...args: never[]) => unknown) {
    Error.captureStackTrace(this, below);
  }

  /** Adds the caller's frames below those of the worker, if it is an error. */
  addTo(thrown: unknown, task?: RegisteredTask): unknown {
    if (!(thrown instanceof Error)) return thrown;
    return addFrames(thrown, this.stack, "    at ", task);
  }
}

/**
 * A promise that is rejected with an error to which the frames are added of
 * the async functions that await what is resolved with it. V8 finds them at no
 * cost beforehand, but only of what is awaited by then.
 *
 * @see {@link https://v8.dev/docs/stack-trace-api#async-stack-traces}
 */
export async function rejectWithAwaiters(
  thrown: unknown,
  task?: RegisteredTask,
): Promise<never> {
  // After these two turns the other promise waits for this one.
  await undefined;
  await undefined;
  if (!(thrown instanceof Error)) throw thrown;
  throw addFrames(thrown, new Error().stack ?? "", "    at async ", task);
}

/** Appends the lines of a stack that begin as frames do. */
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

/** Callers that are traced in a millisecond. */
const MAX_TRACES = 4;

/**
 * Traces callers, unless they are many: capturing a stack takes longer than
 * all else that is to be done for a call, which bulks of calls would feel.
 */
export class CallerTracer {
  #since = -Infinity;
  #traces = 0;

  /** Captures the stack above `below`, if not too often by now. */
  trace(below: (...args: never[]) => unknown): CallerTrace | undefined {
    const now = performance.now();
    if (now - this.#since >= 1) {
      this.#since = now;
      this.#traces = 0;
    }
    return ++this.#traces > MAX_TRACES ? undefined : new CallerTrace(below);
  }
}
