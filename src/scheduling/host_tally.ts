/** Counts what the workers of a host have done. */
export class HostTally {
  /** Tasks that have returned. */
  done = 0;
  /** Tasks that have thrown. */
  failed = 0;
  /** How long workers were busy, in microseconds. */
  busy = 0;

  /** Constructs the tally of a host called `name`. */
  constructor(readonly name: string) {}

  /** Adds to it. */
  count(done: number, failed: number, busy: number): void {
    this.done += done;
    this.failed += failed;
    this.busy += busy;
  }
}
