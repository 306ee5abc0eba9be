import type { RegisteredTask } from "../tasks/task_registry.ts";
import { withSourcePositions } from "../tasks/source_positions.ts";

/**
 * Removes the stack frames of an error that the pool created: they point into
 * the pool's own code, and the caller's frames will replace them. Deno prints
 * an uncaught error's `stack` as changed only if nobody read it before the
 * change.
 */
export function withoutFrames<E extends Error>(error: E): E {
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}`,
    writable: true,
    configurable: true,
  });
  return error;
}

/** The place in the user's program that made a call. */
export class CallerTrace {
  /** Set by `captureStackTrace()`. V8 formats it on the first read. */
  declare readonly stack: string;

  /** Captures the stack above the function `below`. */
  constructor(below: (...args: never[]) => unknown) {
    Error.captureStackTrace(this, below);
  }

  /**
   * Appends the caller's frames to the stack of `thrown`, if it is an error.
   */
  addTo(thrown: unknown, task?: RegisteredTask): unknown {
    if (!(thrown instanceof Error)) return thrown;
    return addFrames(thrown, this.stack, "    at ", task);
  }
}

/**
 * Returns a promise that rejects with `thrown`; the caller resolves another
 * promise with it. If `thrown` is an error, it gets the frames of the async
 * functions that await that other promise by then. V8 collects these frames
 * only when an error occurs, so successful calls don't pay for them.
 *
 * @see {@link https://v8.dev/docs/stack-trace-api#async-stack-traces}
 */
export async function rejectWithAwaiters(
  thrown: unknown,
  task?: RegisteredTask,
): Promise<never> {
  // After two microtasks, the other promise awaits this one.
  await undefined;
  await undefined;
  if (!(thrown instanceof Error)) throw thrown;
  throw addFrames(thrown, new Error().stack ?? "", "    at async ", task);
}

/** Appends the frames of a stack: its lines that begin with `prefix`. */
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

/** Returns an error's stack, with positions of an inline task in its file. */
function ownStack(
  { stack }: Error,
  task: RegisteredTask | undefined,
  frames: readonly string[],
): unknown {
  if (task === undefined || typeof stack !== "string") return stack;
  return withSourcePositions(stack, task, frames.join("\n"));
}

/** How many callers are traced per millisecond. */
const MAX_TRACES = 4;

/**
 * How many further callers in the same synchronous code aren't traced without a
 * look at the clock, which takes a tenth of the time of a call.
 */
const UNTIMED = 16;

const settled = Promise.resolve();

/**
 * Captures the stacks of callers, but only a few per millisecond: capturing a
 * stack takes longer than the rest of a call and would slow down batches.
 */
export class CallerTracer {
  #since = -Infinity;
  #traces = 0;
  #untimed = 0;
  #endsBurst = false;

  /** Captures the stack above `below`, unless the limit is reached. */
  trace(below: (...args: never[]) => unknown): CallerTrace | undefined {
    if (this.#untimed > 0) {
      this.#untimed--;
      return undefined;
    }
    const now = performance.now();
    if (now - this.#since >= 1) {
      this.#since = now;
      this.#traces = 0;
    }
    if (++this.#traces <= MAX_TRACES) return new CallerTrace(below);
    this.#untimed = UNTIMED;
    if (!this.#endsBurst) this.#endBurst();
    return undefined;
  }

  /** Looks at the clock again after the current synchronous code. */
  async #endBurst(): Promise<void> {
    this.#endsBurst = true;
    await settled;
    this.#endsBurst = false;
    this.#untimed = 0;
  }
}
