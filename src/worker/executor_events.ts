/** The methods of an executor that its parts call. */
export interface ExecutorEvents {
  /** Begins waiting calls, because a place has become free. */
  schedule(): void;
  /** Does work that fails only if a task has broken this worker. */
  attempt(work: () => void): void;
}
