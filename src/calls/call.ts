import type { RegisteredTask } from "../tasks/task_registry.ts";

/**
 * The states of a call, and the methods that change them:
 *
 * ```
 *            send()          succeed(), fail()
 *   queued ─────────> sent ───────────────────> settled
 *     ^ ^   requeue()  │ │  abandon()             ^ ^ ^
 *     │ └──────────────┘ └──────────> abandoned ──┘ │ │
 *     │                  │ lose()     succeed(), fail()
 *     │                  v                          │ │
 *     │               requeued ─────────────────────┘ │
 *     └─ abandon(), fail() ───────────────────────────┘
 * ```
 *
 * - `"queued"`: it waits for a worker.
 * - `"sent"`: a worker has it.
 * - `"abandoned"`: a worker has it, but its outcome will be ignored.
 * - `"requeued"`: its worker was lost, and it will run again: as a whole
 *   (`send()` makes it `"sent"` again), or in parts.
 * - `"settled"`: its outcome was delivered or ignored.
 */
export type CallState =
  | "queued"
  | "sent"
  | "abandoned"
  | "requeued"
  | "settled";

/** The queue, worker or set of retries that holds a call. */
export interface CallOwner {
  /** Drops a call that was abandoned. */
  release(call: Call): void;
}

/** Observes the state transitions of calls. */
export interface CallObserver {
  /**
   * Handles a transition.
   *
   * @param counted The call, or a barrier, which counts as a call.
   * @param from The previous state; `undefined` if the call was just submitted.
   */
  moved(counted: object, from: CallState | undefined, to: CallState): void;
}

/** How and where a call may run. */
export interface CallTerms {
  /** The host where the call must run; `undefined` for any. */
  readonly host?: string | undefined;
  /** How often the call may run again after its worker was lost. */
  readonly retries: number;
  /**
   * Calls of different groups don't share a message. This lets the pool kill
   * the worker of a slow call without failing calls of other groups.
   * `undefined` is also a group.
   */
  readonly group?: object | undefined;
  /** Whether the call may run only on the first worker that it is sent to. */
  readonly pinned?: boolean;
}

const DEFAULT_TERMS: CallTerms = { retries: 0 };

/** The payload of a settled call. */
const NOTHING: readonly unknown[] = [];

/**
 * A unit of work that is sent to a worker: a task with its arguments, or with
 * a chunk of a map's items.
 */
export abstract class Call {
  /** The number of items in a chunk; 1 if the call isn't a chunk. */
  readonly items: number;
  #state: CallState = "queued";
  #payload: readonly unknown[];
  #owner: CallOwner | undefined;
  #observer: CallObserver | undefined;
  #id = 0;
  #message = 0;
  #bytes = 0;

  /**
   * Constructs a call.
   *
   * @param task The task to call.
   * @param payload The arguments, or a chunk's items.
   * @param chunk Whether each item of a chunk is a `"single"` argument or a
   * list of arguments (`"spread"`); `undefined` if the call isn't a chunk.
   * @param terms How and where the call may run.
   */
  constructor(
    readonly task: RegisteredTask,
    payload: readonly unknown[],
    readonly chunk?: "single" | "spread",
    readonly terms: CallTerms = DEFAULT_TERMS,
  ) {
    this.#payload = payload;
    this.items = chunk === undefined ? 1 : payload.length;
  }

  /** The call's state. */
  get state(): CallState {
    return this.#state;
  }

  /** The arguments, or a chunk's items; empty once the call is settled. */
  get payload(): readonly unknown[] {
    return this.#payload;
  }

  /** The call's id in messages to and from its worker. */
  get id(): number {
    return this.#id;
  }

  /** The number of the message that sent the call to its worker. */
  get message(): number {
    return this.#message;
  }

  /** The size of the arguments on the wire. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether somebody awaits the call; `true` if that isn't known. */
  get isAwaited(): boolean {
    return true;
  }

  /** Calls `callback` when somebody first awaits the call. */
  whenAwaited(_callback: () => void): void {}

  /** Prevents an unhandled rejection if the call fails. */
  ignoreFailure(): void {}

  /** Returns whether `owner` holds the call. */
  isWith(owner: CallOwner): boolean {
    return this.#owner === owner;
  }

  /** Passes the call to another owner; `undefined` means to none yet. */
  pass(owner: CallOwner | undefined): void {
    this.#owner = owner;
  }

  /** Submits the call: `observer` handles this and all later transitions. */
  submit(observer: CallObserver): void {
    this.#observer = observer;
    observer.moved(this, undefined, this.#state);
  }

  /** Marks the call as sent to a worker. */
  send(worker: CallOwner, id: number, message: number, bytes: number): void {
    this.#owner = worker;
    this.#id = id;
    this.#message = message;
    this.#bytes = bytes;
    const from = this.#state;
    this.#state = "sent";
    this.#observer?.moved(this, from, "sent");
  }

  /** Marks the call as queued again: its lost worker can't have begun it. */
  requeue(): void {
    this.#owner = undefined;
    const from = this.#state;
    this.#state = "queued";
    this.#observer?.moved(this, from, "queued");
  }

  /** Marks the call as lost with its worker; it will run again. */
  lose(owner: CallOwner): void {
    const from = this.#state;
    this.#owner = owner;
    this.#state = "requeued";
    this.#observer?.moved(this, from, "requeued");
  }

  /**
   * Drops the call: its outcome won't be delivered.
   *
   * @returns Whether the call was neither settled nor abandoned before.
   */
  abandon(): boolean {
    const state = this.#state;
    if (state === "settled" || state === "abandoned") return false;
    const owner = this.#owner;
    if (state === "sent") {
      this.#state = "abandoned";
      this.#observer?.moved(this, state, "abandoned");
      owner?.release(this);
    } else {
      this.#state = "settled";
      this.#payload = NOTHING;
      owner?.release(this);
      this.#owner = undefined;
      this.#observer?.moved(this, state, "settled");
    }
    return true;
  }

  /**
   * Abandons the call, and delivers an error at once.
   *
   * @returns Whether the call was neither settled nor abandoned before.
   */
  cancel(error: unknown): boolean {
    if (!this.abandon()) return false;
    this.rejected(error);
    return true;
  }

  /**
   * Delivers the task's result.
   *
   * @param value The result; for a chunk, a list with the results of all items
   * or of the first ones.
   * @param bytes The size of the result on the wire.
   * @param microseconds How long a worker was busy with the call, if known.
   */
  succeed(value: unknown, bytes: number, microseconds?: number): void {
    const state = this.#state;
    if (state === "settled") return;
    this.#state = "settled";
    this.#owner = undefined;
    if (state !== "abandoned") this.resolved(value, bytes, microseconds);
    this.#payload = NOTHING;
    // Comes last, because the delivery may submit a follow-up call.
    this.#observer?.moved(this, state, "settled");
  }

  /**
   * Delivers the error that the task threw, or the reason why it can't run.
   *
   * @param before For a chunk, the results of the items before the failing one.
   */
  fail(error: unknown, before?: unknown[]): void {
    const state = this.#state;
    if (state === "settled") return;
    this.#state = "settled";
    this.#owner = undefined;
    if (state !== "abandoned") this.rejected(error, before);
    this.#payload = NOTHING;
    this.#observer?.moved(this, state, "settled");
  }

  /**
   * Runs the call again after its worker was lost.
   *
   * @param submit Submits each call to run: this one, or its parts in turn.
   */
  rerun(submit: (call: Call) => void): void {
    submit(this);
  }

  /** Delivers the result; isn't called for an abandoned call. */
  protected abstract resolved(
    value: unknown,
    bytes: number,
    microseconds: number | undefined,
  ): void;

  /** Delivers the error; isn't called for an abandoned call that fails. */
  protected abstract rejected(error: unknown, before?: unknown[]): void;
}
