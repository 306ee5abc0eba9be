import type { RegisteredTask } from "../tasks/task_registry.ts";

/**
 * The states of a call, with the methods that change them:
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
 * - `"abandoned"`: a worker has it, but nobody waits for it any more.
 * - `"requeued"`: it was lost with a worker, and runs again, as a whole
 *   (`send()` makes it `"sent"` again) or in parts.
 * - `"settled"`: its outcome was delivered, or nobody waited for it.
 */
export type CallState =
  | "queued"
  | "sent"
  | "abandoned"
  | "requeued"
  | "settled";

/** The queue, worker or set of retries that has a call. */
export interface CallOwner {
  /** Lets go of a call that nobody waits for any more. */
  release(call: Call): void;
}

/** Counts calls by their transitions. */
export interface CallObserver {
  /**
   * Notes a transition; a call that was just submitted comes from nowhere.
   *
   * @param counted The call, or another thing that is counted as one.
   */
  moved(counted: object, from: CallState | undefined, to: CallState): void;
}

/** The conditions under which calls are made. */
export interface CallTerms {
  /** The host where they must run; `undefined` for any. */
  readonly host?: string | undefined;
  /** How often a call may run again after its worker was lost. */
  readonly retries: number;
  /**
   * Calls of different groups don't share a message, which lets the pool end a
   * slow one without harm to another. `undefined` is a group too.
   */
  readonly group?: object | undefined;
  /** Whether a call may run only at the worker that it was sent to. */
  readonly pinned?: boolean;
}

const DEFAULT_TERMS: CallTerms = { retries: 0 };

/** The payload of a settled call. */
const NOTHING: readonly unknown[] = [];

/**
 * One message's worth of work for a worker: a task with its arguments, or
 * with the items of a map's chunk.
 */
export abstract class Call {
  /** How many items the call is for; 1 if it is no chunk. */
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
   * @param chunk Whether a chunk's items are `"single"` arguments or `"spread"`
   * lists of them; `undefined` if the call is no chunk.
   * @param terms The conditions under which it is made.
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

  /** Where the call is in its life. */
  get state(): CallState {
    return this.#state;
  }

  /** The arguments, or a chunk's items; dropped when the call is settled. */
  get payload(): readonly unknown[] {
    return this.#payload;
  }

  /** The call's id at its worker. */
  get id(): number {
    return this.#id;
  }

  /** The number of the message to its worker that the call is part of. */
  get message(): number {
    return this.#message;
  }

  /** The size of the arguments on the wire. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether somebody awaits the call, as far as that is known. */
  get isAwaited(): boolean {
    return true;
  }

  /** Calls `callback` when somebody begins to await the call. */
  whenAwaited(_callback: () => void): void {}

  /** Keeps an error that nobody handles from being reported. */
  ignoreFailure(): void {}

  /** Returns whether `owner` has the call. */
  isWith(owner: CallOwner): boolean {
    return this.#owner === owner;
  }

  /** Passes the call to another owner, or to nobody for now. */
  pass(owner: CallOwner | undefined): void {
    this.#owner = owner;
  }

  /** Enters a pool, whose observer is told of all transitions. */
  submit(observer: CallObserver): void {
    this.#observer = observer;
    observer.moved(this, undefined, this.#state);
  }

  /** Notes that a worker was sent the call. */
  send(worker: CallOwner, id: number, message: number, bytes: number): void {
    this.#owner = worker;
    this.#id = id;
    this.#message = message;
    this.#bytes = bytes;
    const from = this.#state;
    this.#state = "sent";
    this.#observer?.moved(this, from, "sent");
  }

  /** Returns to the queue from a lost worker that can't have begun it. */
  requeue(): void {
    this.#owner = undefined;
    const from = this.#state;
    this.#state = "queued";
    this.#observer?.moved(this, from, "queued");
  }

  /** Notes that its worker was lost and that the call is to run again. */
  lose(owner: CallOwner): void {
    const from = this.#state;
    this.#owner = owner;
    this.#state = "requeued";
    this.#observer?.moved(this, from, "requeued");
  }

  /**
   * Drops the call: its outcome, if there will be one, is not delivered.
   *
   * @returns Whether somebody was still waiting for it.
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
   * @returns Whether it was pending.
   */
  cancel(error: unknown): boolean {
    if (!this.abandon()) return false;
    this.rejected(error);
    return true;
  }

  /**
   * Delivers what the task returned; for a chunk, a list of values, which may
   * be those of its first items only.
   *
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
    // Last, as the delivery may submit a call that follows this one.
    this.#observer?.moved(this, state, "settled");
  }

  /**
   * Delivers what the task threw, or why it can't run.
   *
   * @param before For a chunk, the values of the items before the failing one.
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
   * @param submit Takes the call that runs next in its place.
   */
  rerun(submit: (call: Call) => void): void {
    submit(this);
  }

  /** Takes the value that somebody waits for. */
  protected abstract resolved(
    value: unknown,
    bytes: number,
    microseconds: number | undefined,
  ): void;

  /** Takes the error that somebody waits for. */
  protected abstract rejected(error: unknown, before?: unknown[]): void;
}
