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
 * A sent or requeued call becomes `"delayed"` by `delay()`, then `"queued"` by
 * `requeue()`, or `"settled"` by `abandon()` or `fail()`.
 *
 * A sent call whose values are streamed changes between `"sent"` and `"paused"`.
 *
 * - `"queued"`: it waits for a worker.
 * - `"sent"`: a worker has it.
 * - `"paused"`: a worker has it, but the call waits until its values are read.
 * - `"abandoned"`: a worker has it, but its outcome will be ignored.
 * - `"requeued"`: its worker was lost, and it will run again: as a whole
 *   (`send()` makes it `"sent"` again), or in parts.
 * - `"delayed"`: its task threw, and it will run again after a pause.
 * - `"settled"`: its outcome was delivered or ignored.
 */
export type CallState =
  | "queued"
  | "sent"
  | "paused"
  | "abandoned"
  | "requeued"
  | "delayed"
  | "settled";

/** Observes the state transitions of calls. */
export interface CallObserver {
  /**
   * Handles a transition.
   *
   * @param counted The call, a barrier, which counts as a call, or the kind of
   * a call that isn't made yet.
   * @param from The previous state; `undefined` if the call was just submitted.
   */
  moved(counted: object, from: CallState | undefined, to: CallState): void;
  /** Handles that a sent call waits for an argument, or no longer does. */
  waits?(counted: object, isWaiting: boolean): void;
  /** Handles that an abandoned call has been answered by another run of it. */
  wasOutrun?(counted: object): void;
}
