import { Call } from "./call.ts";
import { type CallerTrace, rejectWithAwaiters } from "./caller_trace.ts";
import type { RegisteredTask } from "./task_registry.ts";

/** A call whose outcome is a promise's. */
export class PromisedCall<Result> extends Call {
  /** Settles as the call does. */
  readonly promise: Promise<Result>;
  #resolve!: (value: Result | Promise<Result>) => void;
  readonly #trace: CallerTrace | undefined;

  /** Constructs a call of `task` with arguments. */
  constructor(
    task: RegisteredTask,
    args: readonly unknown[],
    trace: CallerTrace | undefined,
    host?: string,
  ) {
    super(task, args, undefined, host);
    this.#trace = trace;
    this.promise = new Promise<Result>((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Resolves the promise. */
  override succeed(value: unknown): void {
    this.#resolve(value as Result);
  }

  /** Rejects the promise. */
  override fail(error: unknown): void {
    this.#resolve(
      this.#trace === undefined
        ? rejectWithAwaiters(error)
        : Promise.reject(this.#trace.addTo(error)),
    );
  }
}
