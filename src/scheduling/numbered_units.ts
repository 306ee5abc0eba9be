/** Sums of fractions may be off by this much. */
const TOLERANCE = 1e-9;

/**
 * Units of a resource, such as the GPUs of a machine, which are numbered from 0
 * on. A call takes whole units, or a share of one. Nobody else gets a part of a
 * unit that was taken whole.
 */
export class NumberedUnits {
  /** Which share of each unit is free. */
  readonly #free: number[];
  /** How many calls have a part of each unit. */
  readonly #users: number[];
  /** The worker that last had each unit. */
  readonly #last: (object | undefined)[];
  /** How many units nobody has a part of. */
  #whole: number;

  /** Constructs this many free units. */
  constructor(count: number) {
    this.#free = new Array(count).fill(1);
    this.#users = new Array(count).fill(0);
    this.#last = new Array(count).fill(undefined);
    this.#whole = count;
  }

  /** Returns how many calls can have an amount at the same time. */
  times(amount: number): number {
    const count = this.#free.length;
    return amount < 1
      ? count * Math.floor(1 / amount + TOLERANCE)
      : Math.floor(count / amount);
  }

  /** Returns what to keep free for an amount that is needed later. */
  reserve(amount: number): number {
    return Math.ceil(amount);
  }

  /**
   * Returns whether an amount is free.
   *
   * @param reserved How much of it is kept free for others.
   */
  has(amount: number, reserved: number): boolean {
    if (amount >= 1) return this.#whole - reserved >= amount;
    return this.#whole - reserved >= 1 ||
      this.#free.some((free, unit) =>
        this.#users[unit]! > 0 && free + TOLERANCE >= amount
      );
  }

  /** Returns how many of the units that a worker had last are free. */
  familiar(amount: number, worker: object): number {
    let units = 0;
    for (let unit = 0; unit < this.#last.length; unit++) {
      if (this.#last[unit] === worker && this.#isFree(unit, amount)) units++;
    }
    return Math.min(units, Math.ceil(amount));
  }

  /**
   * Takes an amount that is free.
   *
   * @param worker The worker that gets it: rather the units that it had before,
   * then those that no other worker had.
   * @returns The numbers of the units.
   */
  take(amount: number, worker: object): number[] {
    const units = this.#free.keys().filter((unit) => this.#isFree(unit, amount))
      .toArray()
      .sort((one, other) =>
        this.#rank(one, worker) - this.#rank(other, worker) || one - other
      )
      .slice(0, Math.ceil(amount))
      .sort((one, other) => one - other);
    for (const unit of units) {
      if (this.#users[unit]!++ === 0) this.#whole--;
      this.#free[unit]! -= Math.min(amount, 1);
      this.#last[unit] = worker;
    }
    return units;
  }

  /** Gives back units of which a call had an amount. */
  giveBack(units: readonly number[], amount: number): void {
    for (const unit of units) {
      this.#free[unit]! += Math.min(amount, 1);
      if (--this.#users[unit]! > 0) continue;
      this.#free[unit] = 1;
      this.#whole++;
    }
  }

  /** Forgets that a worker had units. */
  forget(worker: object): void {
    for (let unit = 0; unit < this.#last.length; unit++) {
      if (this.#last[unit] === worker) this.#last[unit] = undefined;
    }
  }

  #isFree(unit: number, amount: number): boolean {
    return amount < 1
      ? this.#free[unit]! + TOLERANCE >= amount
      : this.#users[unit] === 0;
  }

  /** Returns which units a worker gets first: lower ones. */
  #rank(unit: number, worker: object): number {
    const last = this.#last[unit];
    const rank = last === worker ? 0 : last === undefined ? 2 : 4;
    // A share fills up a unit that is in use already.
    return this.#users[unit]! > 0 ? rank - 1 : rank;
  }
}
