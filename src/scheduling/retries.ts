import type { Call } from "../calls/call.ts";
import type { CallOwner } from "../calls/call_owner.ts";

/**
 * Counts how often calls were lost, and tracks the part that currently runs in
 * place of a call that runs again in parts.
 */
export class Retries implements CallOwner<Call> {
  readonly #losses = new WeakMap<Call, number>();
  readonly #parts = new WeakMap<Call, Call>();

  /** Returns how often a call was lost and ran again. */
  losses(call: Call): number {
    return this.#losses.get(call) ?? 0;
  }

  /**
   * Runs a lost call again.
   *
   * @param submit Submits each call to run: the lost one, or its parts in turn.
   */
  rerun(call: Call, submit: (call: Call) => void): void {
    const losses = this.losses(call) + 1;
    this.#losses.set(call, losses);
    call.lose(this);
    call.rerun((next) => {
      if (next !== call) {
        this.#parts.set(call, next);
        this.#losses.set(next, losses);
      }
      submit(next);
    });
  }

  /** Abandons the part that runs in place of an abandoned call. */
  release(call: Call): void {
    this.#parts.get(call)?.abandon();
  }
}
