/** Sums of fractions may be off by this much, in relation to the total. */
const TOLERANCE = 1e-9;

/** An amount of a resource that can be divided at will, such as memory. */
export class Quantity {
  readonly #total: number;
  #free: number;
  /** How many calls have a part of it. */
  #users = 0;

  /** Constructs an amount that is free. */
  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /** Returns how many calls can have an amount at the same time. */
  times(amount: number): number {
    return Math.floor(this.#total / amount + TOLERANCE);
  }

  /** Returns what to keep free for an amount that is needed later. */
  reserve(amount: number): number {
    return amount;
  }

  /**
   * Returns whether an amount is free.
   *
   * @param reserved How much is kept free for others.
   */
  has(amount: number, reserved: number): boolean {
    return amount + reserved <= this.#free + this.#total * TOLERANCE;
  }

  /** Returns 0: no part of it is like another. */
  familiar(): number {
    return 0;
  }

  /** Takes an amount that is free, and returns it. */
  take(amount: number): number {
    this.#users++;
    this.#free -= amount;
    return amount;
  }

  /** Gives back an amount that a call had. */
  giveBack(_taken: unknown, amount: number): void {
    this.#free += amount;
    if (--this.#users === 0) this.#free = this.#total;
  }

  /** Does nothing. */
  forget(): void {}
}
