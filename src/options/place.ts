/**
 * Where a worker runs: the labels and the amounts of its machine. Workers whose
 * place is the same object share its amounts.
 */
export interface WorkerPlace {
  /** Labels by name, such as `{ region: "eu" }`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Amounts by name, such as `{ gpu: 2, memory: 64e9 }`; memory in bytes. */
  readonly resources: Readonly<Record<string, number>>;
}

/** Makes the place of a machine without labels and amounts. */
export function unlabeledPlace(): WorkerPlace {
  return { labels: {}, resources: {} };
}
