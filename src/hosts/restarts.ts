/** The time over which losses are counted, in milliseconds. */
const PERIOD = 60_000;

/** A worker that has lived for so long isn't one that can't live. */
const LONG_LIFE = 10_000;

const FIRST_PAUSE = 100;
const LAST_PAUSE = 5_000;

/**
 * Decides whether and when lost workers are replaced: at first at once, then
 * after growing pauses, and not at all when too many are lost in a short time.
 *
 * @see {@link https://www.erlang.org/doc/system/sup_princ.html#maximum-restart-intensity}
 */
export class Restarts {
  readonly #most: number;
  readonly #now: () => number;
  readonly #losses: number[] = [];
  readonly #pauses = new Map<number, number>();

  /**
   * Constructs it.
   *
   * @param most How many losses in a minute are replaced.
   * @param now Tells the time, in milliseconds.
   */
  constructor(most: number, now: () => number = () => performance.now()) {
    this.#most = most;
    this.#now = now;
  }

  /**
   * Notes that a worker was lost.
   *
   * @param index Which of the host's workers it was.
   * @param lived How long it lived, in milliseconds.
   * @returns How long to wait before the next, in milliseconds, or `undefined`
   * if there have been too many.
   */
  lost(index: number, lived: number): number | undefined {
    const now = this.#now();
    this.#losses.push(now);
    while (this.#losses[0]! < now - PERIOD) this.#losses.shift();
    if (this.#losses.length > this.#most) return undefined;
    const before = this.#pauses.get(index);
    const pause = before === undefined || lived > LONG_LIFE
      ? 0
      : Math.min(LAST_PAUSE, Math.max(FIRST_PAUSE, before * 2));
    this.#pauses.set(index, pause);
    return jittered(pause);
  }
}

/** A pause that isn't the same for all who wait at the same time. */
export function jittered(pause: number): number {
  return pause * (0.5 + Math.random() / 2);
}
