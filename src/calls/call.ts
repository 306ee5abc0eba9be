import type { RegisteredTask } from "../tasks/task_registry.ts";

/** Where a call waits. */
interface Waiting {
  /** Takes the call out. */
  remove(call: Call): void;
}

/** Who has a call that was sent. */
export interface CallHolder {
  /** Notes that no one waits for a call any more. */
  abandon(call: Call): void;
}

/**
 * Where a call is on its way. One that is `"abandoned"` is with a worker still,
 * but no one waits for it any more.
 */
export type CallState = "queued" | "sent" | "abandoned" | "settled";

/** On what terms calls are made. */
export interface CallTerms {
  /** The host where they must run; `undefined` for any. */
  readonly host?: string | undefined;
  /** How often one may be run again when its worker was lost. */
  readonly retries: number;
  /**
   * Calls of different groups don't share a message, so that ending one for
   * being too slow doesn't cost another. `undefined` is a group too.
   */
  readonly group?: object | undefined;
  /** Whether a call is for the worker that it was sent to, and no other. */
  readonly pinned?: boolean;
}

/** The terms of calls of which nothing was said. */
const PLAIN_TERMS: CallTerms = { retries: 0 };

/**
 * One message's worth of work for a worker: a task with its arguments, or
 * with the many items of a map's chunk.
 */
export abstract class Call {
  /** Where the call is on its way. */
  state: CallState = "queued";
  /** The queue that it waits in. */
  queue: Waiting | undefined;
  /** How many bytes its arguments took, once it is sent. */
  bytes = 0;
  /** The worker that it is with, once it is sent. */
  holder: CallHolder | undefined;
  /** What is run in its place by now, part by part, as a worker was lost. */
  substitute: Call | undefined;
  /** What it is known by at its worker, once it is sent. */
  id = 0;
  /** Which message to its worker it is part of, once it is sent. */
  message = 0;
  /** At how many workers it may have begun that were lost. */
  losses = 0;

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
    readonly terms: CallTerms = PLAIN_TERMS,
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

  /**
   * Runs it again after its worker was lost: what is handed on runs alone.
   *
   * @param submit Takes the calls that are to run in its place.
   */
  rerun(submit: (call: Call) => void): void {
    submit(this);
  }
}
