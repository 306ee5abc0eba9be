import { Call, type CallTerms } from "./call.ts";
import { type CallerTrace, rejectWithAwaiters } from "./caller_trace.ts";
import type { RegisteredTask } from "../tasks/task_registry.ts";

/** A call whose outcome is a promise's. */
export class PromisedCall<Result> extends Call {
  /** Settles as the call does. */
  readonly promise: Promise<Result>;
  /** Called once it settles. */
  onSettled: (() => void) | undefined;
  // Not `Result`, so that what is of a type is of a wider one too.
  #resolve!: (value: unknown) => void;
  readonly #trace: CallerTrace | undefined;

  /** Constructs a call of `task` with arguments. */
  constructor(
    task: RegisteredTask,
    args: readonly unknown[],
    trace: CallerTrace | undefined,
    terms?: CallTerms,
  ) {
    super(task, args, undefined, terms);
    this.#trace = trace;
    this.promise = new Promise<Result>((resolve) => {
      this.#resolve = resolve as (value: unknown) => void;
    });
  }

  /** Resolves the promise. */
  override succeed(value: unknown): void {
    this.onSettled?.();
    this.#resolve(value);
  }

  /** Rejects the promise with exactly this reason. */
  reject(reason: unknown): void {
    this.onSettled?.();
    this.#resolve(new Rejection(reason));
  }

  /** Rejects the promise. */
  override fail(error: unknown): void {
    this.onSettled?.();
    this.#resolve(
      this.#trace === undefined
        ? rejectWithAwaiters(error, this.task)
        : Promise.reject(this.#trace.addTo(error, this.task)),
    );
  }
}

/**
 * What rejects the promise that is resolved with it. To keep `reject` as well
 * for each call slows down all of them, and a promise that is rejected before
 * anyone has looked at it costs the program time for each other such promise.
 */
class Rejection {
  readonly #reason: unknown;

  constructor(reason: unknown) {
    this.#reason = reason;
  }

  then(_resolve: unknown, reject: (reason: unknown) => void): void {
    reject(this.#reason);
  }
}
