/** The distance between the seeds of two streams. */
const STEP = 0x9e37_79b9;

/**
 * Pseudorandom numbers that are the same for the same seed.
 *
 * @see {@link https://gist.github.com/tommyettinger/46a874533244883189143505d203312c mulberry32}
 */
export class Random {
  #state: number;

  /** Constructs the generator of a seed. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Makes the generator of the n-th thing that a seed decides. */
  static nth(seed: number, stream: number, n: number): Random {
    const random = new Random(seed + Math.imul(stream, STEP));
    return new Random(random.bits() + Math.imul(n, STEP));
  }

  /** Returns 32 bits. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ bits >>> 15, bits | 1);
    bits ^= bits + Math.imul(bits ^ bits >>> 7, bits | 61);
    return (bits ^ bits >>> 14) >>> 0;
  }

  /** Returns a number from 0 to less than 1. */
  fraction(): number {
    return this.bits() / 2 ** 32;
  }

  /** Returns an integer from `least` to `most`. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** Returns `true` with a probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** Returns one of the elements. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(0, choices.length - 1)]!;
  }

  /** Returns one of the keys, each in proportion to its weight. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries(weights) as [Key, number][];
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.fraction() * total;
    for (const [key, weight] of entries) {
      if (left < weight) return key;
      left -= weight;
    }
    return entries.at(-1)![0];
  }
}
