/** How many times within the time limit the pool is looked at. */
const LOOKS = 4;

/** How much longer than the last such stall another one must be. */
const PATIENCE = 2;

/** Tasks that wait. */
export interface Stall {
  /** Why they wait. */
  readonly explanation: string;
  /** Whether all that they wait for are workers that run other tasks. */
  readonly isBusy: boolean;
}

/** What a stall watch needs of its pool. */
export interface StallWatchParts {
  /** After how long it warns, in milliseconds; 0: never. */
  readonly limit: number;
  /** A number that changes whenever anything moves. */
  readonly movement: () => number;
  /** Returns what waits; `undefined` if nothing does. */
  readonly waiting: () => Stall | undefined;
  /** Prints a warning. */
  readonly warn: (milliseconds: number, explanation: string) => void;
  /**
   * Returns the time, in milliseconds.
   *
   * @default {() => performance.now()}
   */
  readonly now?: () => number;
}

/**
 * Warns once if tasks wait and nothing moves for a while. It looks at the pool
 * from time to time, and only while tasks wait, so calls cost nothing.
 *
 * If workers were only busy, and went on after a warning, tasks take that long:
 * then it warns about busy workers only after twice that time.
 */
export class StallWatch {
  readonly #parts: StallWatchParts;
  readonly #now: () => number;
  readonly #interval: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When it was looked at last, and when anything had moved last. */
  #lookedAt = 0;
  #movedAt = 0;
  #movement = 0;
  #hasWarned = false;
  /** How long workers may be busy. */
  #patience: number;
  #isStopped: boolean;

  /** Constructs a watch of a pool in which nothing waits. */
  constructor(parts: StallWatchParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    this.#interval = parts.limit / LOOKS;
    this.#isStopped = parts.limit === 0;
    this.#patience = parts.limit;
  }

  /** Takes note that calls were submitted, sent or answered: some may wait. */
  dispatched(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#lookedAt = this.#movedAt = this.#now();
    this.#movement = this.#parts.movement();
    this.#hasWarned = false;
    this.#watch();
  }

  /** Warns no more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #watch(): void {
    this.#timer = setTimeout(() => this.#look(), this.#interval);
    Deno.unrefTimer(this.#timer);
  }

  #look(): void {
    this.#timer = undefined;
    const { limit, movement, waiting, warn } = this.#parts;
    const now = this.#now();
    this.#update(movement(), now);
    const stall = waiting();
    if (stall === undefined) return;
    const time = now - this.#movedAt;
    if (!this.#hasWarned && time >= (stall.isBusy ? this.#patience : limit)) {
      this.#hasWarned = true;
      warn(time, stall.explanation);
    }
    this.#watch();
  }

  #update(movement: number, now: number): void {
    if (movement !== this.#movement) {
      if (this.#hasWarned) {
        const time = now - this.#movedAt;
        this.#patience = Math.max(this.#patience, PATIENCE * time);
      }
      this.#movement = movement;
      this.#movedAt = now;
      this.#hasWarned = false;
    } else if (now - this.#lookedAt > 2 * this.#interval) {
      // The program was busy, and hasn't read what has arrived meanwhile.
      this.#movedAt = now;
    }
    this.#lookedAt = now;
  }
}
