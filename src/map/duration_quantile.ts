/** By how much the durations of one bin differ: 2 ** (1 / 8). */
const BINS_PER_DOUBLING = 8;

/**
 * A quantile of durations, without keeping them: they are counted in bins whose
 * limits grow by 9 %.
 */
export class DurationQuantile {
  readonly #share: number;
  readonly #bins: number[] = [];
  #count = 0;

  /**
   * Constructs a quantile of no durations.
   *
   * @param share The share of the durations that don't exceed it.
   */
  constructor(share: number) {
    this.#share = share;
  }

  /** How many durations were added. */
  get count(): number {
    return this.#count;
  }

  /** Adds a duration a number of times, in microseconds. */
  add(microseconds: number, times: number): void {
    const doublings = Math.log2(Math.max(1, microseconds));
    const bin = Math.ceil(doublings * BINS_PER_DOUBLING);
    while (this.#bins.length <= bin) this.#bins.push(0);
    this.#bins[bin]! += times;
    this.#count += times;
  }

  /** The quantile in microseconds, at most 9 % too large; 0 if there is none. */
  get microseconds(): number {
    let longer = this.#count * (1 - this.#share);
    for (let bin = this.#bins.length - 1; bin >= 0; bin--) {
      longer -= this.#bins[bin]!;
      if (longer < 0) return 2 ** (bin / BINS_PER_DOUBLING);
    }
    return 0;
  }
}
