import type { PendingAgents } from "../managed_host.ts";

/** Prints why agents wait, each time the reason changes. */
export class PendingReport {
  readonly #report: (line: string) => void;
  /** The reason that was printed last. */
  #reason: string | undefined;

  /**
   * Constructs it.
   *
   * @param report Prints a line about the host.
   */
  constructor(report: (line: string) => void) {
    this.#report = report;
  }

  /**
   * Takes note of the agents that wait.
   *
   * @param mayChange Whether the launcher may not know the reason yet.
   */
  update(pending: PendingAgents | undefined, mayChange: boolean): void {
    if (pending === undefined) {
      this.#reason = undefined;
      return;
    }
    const { agents, reason } = pending;
    if (reason === this.#reason || reason === "" && mayChange) return;
    this.#reason = reason;
    const jobs = agents === 1 ? "1 job is" : `${agents} jobs are`;
    const why = reason === "" ? "" : ` (${reason})`;
    this.#report(`waits: ${jobs} pending${why}`);
  }
}
