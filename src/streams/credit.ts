/** An amount of values and of their bytes. */
export interface CreditAmount {
  /** How many values. */
  readonly values: number;
  /** How many bytes on the wire. */
  readonly bytes: number;
}

/** The credit of the stream of one call: enough to keep a connection busy. */
export const STREAM_CREDIT: CreditAmount = {
  values: 4_096,
  bytes: 4 * 2 ** 20,
};

/**
 * The credit of a stream that is an argument. Workers have less memory than the
 * program, and garbage of this size accumulates between two collections.
 */
export const INPUT_CREDIT: CreditAmount = { values: 4_096, bytes: 2 ** 20 };

/** The credit of each of the many calls of a map that yield values. */
export const FLATTEN_CREDIT: CreditAmount = { values: 4_096, bytes: 2 ** 19 };

/** The credit of the messages of a task, and of those to it. */
export const MESSAGE_CREDIT: CreditAmount = { values: 1_024, bytes: 2 ** 19 };

/** No credit: the receiver gives some when it first reads. */
export const NO_CREDIT: CreditAmount = { values: 0, bytes: 0 };

/**
 * The sender's side of a stream's credit. The sender may send while both the
 * values and the bytes are above zero, so the last value may be large.
 */
export class Credit {
  #values: number;
  #bytes: number;
  #open: PromiseWithResolvers<void> | undefined;
  #isCancelled = false;

  /** Constructs the initial credit of a stream. */
  constructor({ values, bytes }: CreditAmount) {
    this.#values = values;
    this.#bytes = bytes;
  }

  /** Whether another value may be sent. */
  get isOpen(): boolean {
    return this.#values > 0 && this.#bytes > 0;
  }

  /** Waits until another value may be sent, or the credit is cancelled. */
  async whenOpen(): Promise<void> {
    if (this.isOpen || this.#isCancelled) return;
    this.#open ??= Promise.withResolvers();
    await this.#open.promise;
  }

  /** Subtracts a value that was sent. */
  spend(bytes: number): void {
    this.#values--;
    this.#bytes -= bytes;
  }

  /** Adds what the receiver has granted. */
  grant({ values, bytes }: CreditAmount): void {
    this.#values += values;
    this.#bytes += bytes;
    if (this.isOpen) this.#wake();
  }

  /** Wakes the sender for good, because it no longer needs credit. */
  cancel(): void {
    this.#isCancelled = true;
    this.#wake();
  }

  #wake(): void {
    this.#open?.resolve();
    this.#open = undefined;
  }
}
