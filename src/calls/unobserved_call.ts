import { Call } from "./call.ts";
import type { CallObserver } from "./call_state.ts";
import type { CallKind } from "./call_kind.ts";
import { rejectWithAwaiters } from "./caller_trace.ts";

/** Resolves a call's promise with a value, or with another promise. */
export type Resolve = (value: unknown) => void;

/** A call that knows only how to settle its promise. */
export class UnobservedCall extends Call {
  readonly #resolve: Resolve;

  /**
   * Constructs a call.
   *
   * @param resolve Resolves the call's promise.
   * @param observer The same as that of {@linkcode Call}.
   */
  constructor(
    kind: CallKind,
    payload: unknown,
    resolve: Resolve,
    observer?: CallObserver,
  ) {
    super(kind, payload, observer);
    this.#resolve = resolve;
  }

  protected override resolved(value: unknown): void {
    this.#resolve(value);
  }

  protected override rejected(error: unknown): void {
    this.#resolve(rejectWithAwaiters(error, this.task));
  }
}
