/** Wraps a thrown value, because the value itself may be `undefined`. */
export interface Thrown {
  /** The value that was thrown. */
  readonly reason: unknown;
  /** The index of the item whose task threw it, if that is known. */
  readonly index?: number;
}
