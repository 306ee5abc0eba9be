import type { CreditAmount } from "../streams/credit.ts";

/** Sends values of a call's streams to the worker that has the call. */
export interface StreamLink {
  /**
   * Writes a value.
   *
   * @returns Its size in bytes.
   * @throws {DOMException} If it can't be sent.
   */
  write(stream: number, value: unknown): number;
  /** Sends what was written. */
  flush(): void;
  /** Waits until written values have left; `undefined` if they were copied. */
  drained(): Promise<void> | undefined;
  /** Ends a stream, with the error in the list if there is one. */
  close(stream: number, errors: readonly unknown[]): void;
  /** Grants credit for the task's messages. */
  grantMessages(credit: CreditAmount): void;
  /** Grants credit for the values that the task yields. */
  grantOutput(credit: CreditAmount): void;
}
