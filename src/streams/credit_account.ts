import type { CreditAmount } from "./credit.ts";

/** The share of the credit that must have been read before it is granted again. */
const GRANT_SHARE = 0.5;

/**
 * The receiver's side of a stream's credit: knows how much the sender may still
 * send, and when to grant more.
 */
export class CreditAccount {
  readonly #most: CreditAmount;
  /** How much the sender may send without another grant. */
  #values: number;
  #bytes: number;
  /** How much was read since the last grant. */
  #readValues = 0;
  #readBytes = 0;
  /** How much has arrived in total. */
  #allValues = 0;
  #allBytes = 0;

  /** Constructs the account of a stream with its initial credit. */
  constructor(most: CreditAmount) {
    this.#most = most;
    this.#values = most.values;
    this.#bytes = most.bytes;
  }

  /** Whether the sender must wait for a grant. */
  get isExhausted(): boolean {
    return this.#values <= 0 || this.#bytes <= 0;
  }

  /**
   * Whether the sender may have had to wait for a grant, or for the arrival of
   * one.
   */
  get mayHaveWaited(): boolean {
    return this.#allValues >= this.#most.values ||
      this.#allBytes >= this.#most.bytes;
  }

  /**
   * Subtracts values that have arrived.
   *
   * @throws {RangeError} If the sender had no credit for them.
   */
  received(values: number, bytes: number): void {
    // The last value may exceed the bytes, but not the number of values.
    if (this.#bytes <= 0 || values > this.#values) {
      throw new RangeError(
        "Malformed message: a stream has more values than it has credit for",
      );
    }
    this.#values -= values;
    this.#bytes -= bytes;
    this.#allValues += values;
    this.#allBytes += bytes;
  }

  /**
   * Adds values that were read.
   *
   * @returns The credit to grant now, if any.
   */
  read(values: number, bytes: number): CreditAmount | undefined {
    this.#readValues += values;
    this.#readBytes += bytes;
    const { values: mostValues, bytes: mostBytes } = this.#most;
    const isDue = this.#readValues >= mostValues * GRANT_SHARE ||
      this.#readBytes >= mostBytes * GRANT_SHARE;
    return isDue ? this.grant() : undefined;
  }

  /** Returns all credit for what was read, to grant it now; may be none. */
  grant(): CreditAmount {
    const grant = { values: this.#readValues, bytes: this.#readBytes };
    this.#values += grant.values;
    this.#bytes += grant.bytes;
    this.#readValues = this.#readBytes = 0;
    return grant;
  }
}
