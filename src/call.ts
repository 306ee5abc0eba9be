import type { RegisteredTask } from "./task_registry.ts";

/** Where a call is on its way. */
export type CallState = "queued" | "sent" | "settled";

/**
 * One message's worth of work for a worker: a task with its arguments, or
 * with the many items of a map's chunk.
 */
export abstract class Call {
  /** Where the call is on its way. */
  state: CallState = "queued";
  /** How many bytes its arguments took, once it is sent. */
  bytes = 0;

  /** Constructs a call of `task`. */
  constructor(
    readonly task: RegisteredTask,
    /** The arguments, or a chunk's items. */
    readonly payload: readonly unknown[],
    /**
     * What a chunk's items are: `"single"` arguments or `"spread"` lists of
     * them; `undefined` if this is no chunk.
     */
    readonly chunk?: "single" | "spread",
  ) {}

  /**
   * Delivers what the task returned; for a chunk, a list of it.
   *
   * @param bytes The size of the result on the wire.
   * @param microseconds How long a worker was busy with the call.
   */
  abstract succeed(value: unknown, bytes: number, microseconds: number): void;

  /**
   * Delivers what the task threw.
   *
   * @param before For a chunk, the values of the items before the failing one.
   */
  abstract fail(error: unknown, before?: unknown[]): void;
}

/** A call whose outcome is a promise's. */
export class PromisedCall<Result> extends Call {
  /** Settles as the call does. */
  readonly promise: Promise<Result>;
  #resolve!: (value: Result) => void;
  #reject!: (reason: unknown) => void;
  readonly #trace: CallerTrace;

  /** Constructs a call of `task` with arguments. */
  constructor(
    task: RegisteredTask,
    args: readonly unknown[],
    trace: CallerTrace,
  ) {
    super(task, args);
    this.#trace = trace;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Resolves the promise. */
  override succeed(value: unknown): void {
    this.#resolve(value as Result);
  }

  /** Rejects the promise. */
  override fail(error: unknown): void {
    this.#reject(this.#trace.addTo(error));
  }
}

/** Where in the user's program a call comes from. */
export class CallerTrace {
  /** Set by `captureStackTrace`; V8 makes its text when it is read. */
  declare readonly stack: string;

  /** Captures the stack above the function `below`. */
  constructor(below: (...args: never[]) => unknown) {
    Error.captureStackTrace(this, below);
  }

  /** Adds the caller's frames below those of the worker, if it is an error. */
  addTo(thrown: unknown): unknown {
    if (!(thrown instanceof Error)) return thrown;
    const frames = this.stack.split("\n").filter((line) =>
      line.startsWith("    at ")
    );
    if (frames.length > 0) {
      const stack = `${thrown.stack}\n${frames.join("\n")}`;
      Object.defineProperty(thrown, "stack", {
        value: stack,
        writable: true,
        configurable: true,
      });
    }
    return thrown;
  }
}
