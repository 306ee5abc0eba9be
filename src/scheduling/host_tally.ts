/** Counts the tasks of a host's workers and their busy time. */
export class HostTally {
  /** How many tasks returned. */
  done = 0;
  /** How many tasks threw. */
  failed = 0;
  /** How long workers were busy, in microseconds. */
  busy = 0;

  /** Constructs the tally of the host named `name`. */
  constructor(readonly name: string) {}

  /** Adds to the counts. */
  count(done: number, failed: number, busy: number): void {
    this.done += done;
    this.failed += failed;
    this.busy += busy;
  }
}
