import { Backoff } from "./backoff.ts";

/** The period over which losses are counted, in milliseconds. */
const PERIOD = 60_000;

/** A worker that lived longer is replaced at once, in milliseconds. */
const LONG_LIFE = 10_000;

const FIRST_PAUSE = 100;
const LAST_PAUSE = 5_000;

/** By how much a sum of fractions may be wrong. */
const ROUNDING = 1e-6;

/** A loss in the last minute. */
interface Loss {
  readonly at: number;
  /** The part of the host's workers that was lost. */
  readonly part: number;
}

/**
 * Decides whether and when a lost worker is replaced: the first time at once,
 * then after growing pauses, and after too many losses in a minute not at all.
 *
 * @see {@link https://www.erlang.org/doc/system/sup_princ.html#maximum-restart-intensity}
 */
export class RestartPolicy {
  readonly #maxRestarts: number;
  readonly #now: () => number;
  readonly #losses: Loss[] = [];
  /** The sum of their parts. */
  #lost = 0;
  readonly #backoffs = new Map<number, Backoff>();

  /**
   * Constructs the policy of a host.
   *
   * @param maxRestarts How many losses a minute are replaced, for each worker on
   * average.
   * @param now Returns the time, in milliseconds.
   */
  constructor(
    maxRestarts: number,
    now: () => number = () => performance.now(),
  ) {
    this.#maxRestarts = maxRestarts;
    this.#now = now;
  }

  /**
   * Counts the loss of a worker.
   *
   * @param index The index of the worker on its host.
   * @param lived How long it lived, in milliseconds.
   * @param workers How many workers the host should have.
   * @returns The pause before its replacement, in milliseconds, or `undefined`
   * if there were too many losses.
   */
  lost(index: number, lived: number, workers = 1): number | undefined {
    const now = this.#now();
    const part = 1 / Math.max(1, workers);
    this.#losses.push({ at: now, part });
    this.#lost += part;
    while (this.#losses[0]!.at < now - PERIOD) {
      this.#lost -= this.#losses.shift()!.part;
    }
    if (this.#lost > this.#maxRestarts + ROUNDING) return undefined;
    const backoff = this.#backoffs.get(index);
    if (backoff !== undefined && lived <= LONG_LIFE) return backoff.next();
    this.#backoffs.set(index, new Backoff(FIRST_PAUSE, LAST_PAUSE));
    return 0;
  }
}
