import type { RegisteredTask } from "../tasks/task_registry.ts";
import type { CallPreface } from "./call_preface.ts";
import type { RetrySettings } from "../options/retry_options.ts";
import type { Placement } from "./placement.ts";

/** How and where a call may run. */
export interface CallTerms {
  /** Where the call may run; `undefined` for anywhere. */
  readonly placement?: Placement | undefined;
  /** How often the call may run again after its worker was lost. */
  readonly retries: number;
  /** Those with a higher one go first; `undefined`: 0. */
  readonly priority?: number | undefined;
  /** The bucket of the call's key, if it has one: see {@linkcode bucketOf}. */
  readonly bucket?: number | undefined;
  /** How the task runs again if it throws; `undefined`: it doesn't. */
  readonly retry?: RetrySettings | undefined;
  /**
   * Calls of different groups don't share a message. This lets the pool kill
   * the worker of a slow call without failing calls of other groups.
   * `undefined` is also a group.
   */
  readonly group?: object | undefined;
  /** Whether the call may run only on the first worker that it is sent to. */
  readonly pinned?: boolean;
  /** What a worker must know before the call arrives, if anything. */
  readonly preface?: CallPreface | undefined;
  /** The number of the call, if only that call has these terms. */
  readonly number?: number;
}

const DEFAULT_TERMS: CallTerms = { retries: 0 };

/**
 * What many calls have in common. They share it, because each field of a call
 * that waits in a long queue costs time: the garbage collector copies it.
 */
export class CallKind {
  /**
   * Constructs a kind of calls.
   *
   * @param task The task to call.
   * @param terms How and where the calls may run.
   * @param chunk Whether each item of a chunk is a `"single"` argument or a
   * list of arguments (`"spread"`); `undefined` if the calls aren't chunks.
   * @param isUnary Whether a call's payload isn't a list of arguments, but its
   * only argument.
   * @param settles Whether an item that throws doesn't end its chunk.
   */
  constructor(
    readonly task: RegisteredTask,
    readonly terms: CallTerms = DEFAULT_TERMS,
    readonly chunk?: "single" | "spread",
    readonly isUnary: boolean = false,
    readonly settles: boolean = false,
  ) {}
}

/** Makes the kinds of calls, and keeps the last one for calls of this kind. */
export class CallKinds {
  #last: CallKind | undefined;

  /** Returns the kind of a call that isn't a chunk. */
  of(task: RegisteredTask, terms: CallTerms, isUnary: boolean): CallKind {
    const last = this.#last;
    if (
      last?.task === task && last.terms === terms && last.isUnary === isUnary
    ) return last;
    const kind = new CallKind(task, terms, undefined, isUnary);
    // The data of a bound task must not outlive the program's use of it.
    if (task.bound === undefined) this.#last = kind;
    return kind;
  }
}
