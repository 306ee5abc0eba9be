import type { RegisteredTask } from "./task_registry.ts";

/** Where a call waits. */
interface Waiting {
  /** Takes the call out. */
  remove(call: Call): void;
}

/** Where a call is on its way. */
export type CallState = "queued" | "sent" | "settled";

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
    /** The host where it must run; `undefined` for any. */
    readonly host?: string,
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
