import type { Call, CallOwner } from "../calls/call.ts";

/**
 * The calls that were lost with a worker: how often, and which call runs in
 * place of one that is run again in parts.
 */
export class Retries implements CallOwner {
  readonly #losses = new WeakMap<Call, number>();
  readonly #parts = new WeakMap<Call, Call>();

  /**
   * Counts a loss.
   *
   * @returns How many workers were lost that may have begun the call.
   */
  count(call: Call): number {
    const losses = (this.#losses.get(call) ?? 0) + 1;
    this.#losses.set(call, losses);
    return losses;
  }

  /**
   * Runs a lost call again.
   *
   * @param submit Takes each call to run: the lost one, or its parts, one after
   * the other.
   */
  rerun(call: Call, submit: (call: Call) => void): void {
    call.lose(this);
    call.rerun((next) => {
      if (next !== call) {
        this.#parts.set(call, next);
        this.#losses.set(next, this.#losses.get(call)!);
      }
      submit(next);
    });
  }

  /** Abandons the part that runs in place of a call. */
  release(call: Call): void {
    this.#parts.get(call)?.abandon();
  }
}
