/** What a task runs for, in the output that it prints. */
export interface CallLabel {
  /** The name of the task. */
  readonly task: string;
  /** The number of the call, or of the item in its map. */
  readonly number: number;
}
