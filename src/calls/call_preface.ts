/**
 * What a worker must know of calls before they arrive. Most calls have none of
 * it.
 */
export interface CallPreface {
  /** How long the task may run, in milliseconds. */
  readonly runTimeout?: number | undefined;
  /**
   * Set if the calls have numbers: the seed of their random numbers, or an empty
   * list. See {@linkcode Call.number}.
   */
  readonly seed?: readonly number[] | undefined;
}
