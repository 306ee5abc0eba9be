/** What the doctor found out about all hosts. */
export interface Report {
  /** Whether all hosts can be used. */
  readonly ok: boolean;
  /** The hosts, in the order in which they were given. */
  readonly hosts: readonly HostReport[];
}

/** What the doctor found out about one host. */
export interface HostReport {
  /** The host as it was given. */
  readonly spec: string;
  /** How the host is reached. */
  readonly kind: "ssh" | "spawner";
  /** Whether all steps passed. */
  readonly ok: boolean;
  /** The steps of the check, in their order. */
  readonly steps: readonly StepReport[];
  /** The measured values; `null` for those that were not reached. */
  readonly figures: Readonly<Figures>;
}

/** The result of one step. */
export interface StepReport {
  /** The step's name. */
  readonly name: string;
  /** Whether the step passed; `null` if an earlier step failed. */
  readonly ok: boolean | null;
  /** What was found, or why the step failed. */
  readonly detail: string;
  /** What may help. */
  readonly hint?: string;
}

/** The measured values of a host. */
export interface Figures {
  /** The number of workers that were started. */
  workers: number | null;
  /** How long it took until all workers had connected, in milliseconds. */
  start: number | null;
  /** The round trip of a tiny task, in milliseconds. */
  roundTrip: number | null;
  /** The number of tiny tasks per second. */
  throughput: number | null;
  /** How far the host's clock is ahead of this machine's, in milliseconds. */
  clockOffset: number | null;
  /** The number of CPUs. */
  cpus: number | null;
  /** The size of the memory, in bytes. */
  memory: number | null;
}
