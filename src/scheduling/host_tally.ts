/** Counts the workers and the tasks of a host, and their busy time. */
export class HostTally {
  /** How many workers are connected. */
  workers = 0;
  /** How many calls these workers have. */
  running = 0;
  /** How many tasks returned. */
  done = 0;
  /** How many tasks threw. */
  failed = 0;
  /** How long workers were busy, in microseconds. */
  busy = 0;

  /** Constructs the tally of the host named `name`. */
  constructor(readonly name: string) {}

  /** Adds to the counts of tasks. */
  count(done: number, failed: number, busy: number): void {
    this.done += done;
    this.failed += failed;
    this.busy += busy;
  }

  /** Counts a worker that has no calls yet. */
  joined(): void {
    this.workers++;
  }

  /** Subtracts a worker with this many calls. */
  left(calls: number): void {
    this.workers--;
    this.running -= calls;
  }

  /** Counts that a worker got calls (> 0), or answered some (< 0). */
  loaded(calls: number): void {
    this.running += calls;
  }
}
