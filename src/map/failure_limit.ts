import { wrongType, wrongValue } from "../options/option_checks.ts";

/** How many items must have ended before a share of them is compared. */
const MIN_ITEMS = 100;

/** Counts the items of a map that have failed, up to a limit. */
export class FailureLimit {
  readonly #most: number;
  readonly #reasons: unknown[] = [];
  #first = Infinity;

  /**
   * Constructs a limit.
   *
   * @param most How many items may fail: a whole number, or a share between 0
   * and 1 of all items.
   * @throws {TypeError} If it isn't a number.
   * @throws {RangeError} If it is out of range.
   */
  constructor(most: number) {
    const expected =
      "a whole number of at least 0, or a share of the items between 0 and 1";
    if (typeof most !== "number") {
      throw wrongType("maxFailures", most, expected);
    }
    const isShare = most > 0 && most < 1;
    if (
      !isShare && most !== Infinity && !(Number.isInteger(most) && most >= 0)
    ) {
      throw wrongValue("maxFailures", most, expected);
    }
    this.#most = most;
  }

  /** Takes note of the item with an index that has failed. */
  add(index: number, reason: unknown): void {
    // No error will have them, and the map may go on for ever.
    if (this.#most === Infinity) return;
    this.#reasons.push(reason);
    this.#first = Math.min(this.#first, index);
  }

  /**
   * Returns the error with all reasons if too many items have failed.
   *
   * @param ended How many items have ended.
   * @param total How many items there are; `Infinity` if that is unknown.
   */
  check(ended: number, total: number): AggregateError | undefined {
    const most = this.#most > 0 && this.#most < 1
      ? this.#most * (total === Infinity ? Math.max(ended, MIN_ITEMS) : total)
      : this.#most;
    const { length } = this.#reasons;
    if (length <= most) return undefined;
    return new AggregateError(
      this.#reasons,
      `${length} of the ${ended} items that have ended failed, first the item ${this.#first}; 'maxFailures' is ${this.#most}`,
    );
  }
}
