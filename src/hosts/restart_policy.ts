import { Backoff } from "./backoff.ts";

/** The period over which losses are counted, in milliseconds. */
const PERIOD = 60_000;

/** A worker that lived longer is replaced at once, in milliseconds. */
const LONG_LIFE = 10_000;

const FIRST_PAUSE = 100;
const LAST_PAUSE = 5_000;

/**
 * Decides whether and when a lost worker is replaced: the first time at once,
 * then after growing pauses, and after too many losses in a minute not at all.
 *
 * @see {@link https://www.erlang.org/doc/system/sup_princ.html#maximum-restart-intensity}
 */
export class RestartPolicy {
  readonly #maxLosses: number;
  readonly #now: () => number;
  readonly #losses: number[] = [];
  readonly #backoffs = new Map<number, Backoff>();

  /**
   * Constructs the policy of a host.
   *
   * @param maxLosses How many losses a minute are replaced.
   * @param now Returns the time, in milliseconds.
   */
  constructor(
    maxLosses: number,
    now: () => number = () => performance.now(),
  ) {
    this.#maxLosses = maxLosses;
    this.#now = now;
  }

  /**
   * Counts the loss of a worker.
   *
   * @param index The index of the worker on its host.
   * @param lived How long it lived, in milliseconds.
   * @returns The pause before its replacement, in milliseconds, or `undefined`
   * if there were too many losses.
   */
  lost(index: number, lived: number): number | undefined {
    const now = this.#now();
    this.#losses.push(now);
    while (this.#losses[0]! < now - PERIOD) this.#losses.shift();
    if (this.#losses.length > this.#maxLosses) return undefined;
    const backoff = this.#backoffs.get(index);
    if (backoff !== undefined && lived <= LONG_LIFE) return backoff.next();
    this.#backoffs.set(index, new Backoff(FIRST_PAUSE, LAST_PAUSE));
    return 0;
  }
}
