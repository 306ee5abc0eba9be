import { Call } from "./call.ts";
import { addAwaitersFrames, type CallerTrace } from "./caller_trace.ts";
import type { RegisteredTask } from "./task_registry.ts";

/** A call whose outcome is a promise's. */
export class PromisedCall<Result> extends Call {
  /** Settles as the call does. */
  readonly promise: Promise<Result>;
  #resolve!: (value: Result) => void;
  #reject!: (reason: unknown) => void;
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
    const promise = new Promise<Result>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise = trace === undefined ? addAwaitersFrames(promise) : promise;
  }

  /** Resolves the promise. */
  override succeed(value: unknown): void {
    this.#resolve(value as Result);
  }

  /** Rejects the promise. */
  override fail(error: unknown): void {
    this.#reject(this.#trace === undefined ? error : this.#trace.addTo(error));
  }
}
