/** The weight of the newest measurement in the running average. */
const WEIGHT = 0.25;

/** How long the workers of a host take to start, on average. */
export class StartTime {
  #milliseconds: number;
  #isMeasured = false;
  /** When the workers that aren't connected were asked for, in this order. */
  readonly #asked: number[] = [];

  /**
   * Constructs the start time of a host that has started no workers.
   *
   * @param expected The start time until one was measured, in milliseconds.
   */
  constructor(expected: number) {
    this.#milliseconds = expected;
  }

  /** The average, in milliseconds. */
  get milliseconds(): number {
    return this.#milliseconds;
  }

  /** Takes note of workers that were asked for. */
  asked(workers: number, now: number): void {
    for (let count = 0; count < workers; count++) this.#asked.push(now);
  }

  /** Forgets the workers that were asked for last. */
  calledOff(workers: number): void {
    this.#asked.splice(Math.max(0, this.#asked.length - workers));
  }

  /** Forgets all workers that were asked for but these, which were the first. */
  keep(workers: number): void {
    this.#asked.splice(workers);
  }

  /** Takes note of a worker that has connected. */
  joined(now: number): void {
    const asked = this.#asked.shift();
    // A worker that replaces a lost one wasn't asked for.
    if (asked === undefined) return;
    const weight = this.#isMeasured ? WEIGHT : 1;
    this.#isMeasured = true;
    this.#milliseconds += (now - asked - this.#milliseconds) * weight;
  }
}
