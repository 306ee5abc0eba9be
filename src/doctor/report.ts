import type { HostKind } from "../hosts/host.ts";

/** The doctor's findings about all hosts. */
export interface Report {
  /** Whether all hosts can be used. */
  readonly ok: boolean;
  /** The hosts, in the order of the command line. */
  readonly hosts: readonly HostReport[];
}

/** The doctor's findings about one host. */
export interface HostReport {
  /** The host as written on the command line. */
  readonly spec: string;
  /** How the pool reaches the host. */
  readonly kind: HostKind;
  /** Whether all steps passed. */
  readonly ok: boolean;
  /** The steps of the check, in their order. */
  readonly steps: readonly StepReport[];
  /** The measured values; `null` for those that weren't measured. */
  readonly figures: Readonly<Figures>;
}

/** The result of one step. */
export interface StepReport {
  /** The step's name. */
  readonly name: string;
  /** Whether the step passed; `null` if an earlier step failed. */
  readonly ok: boolean | null;
  /** The finding, or why the step failed. */
  readonly detail: string;
  /** A suggestion for the user. */
  readonly hint?: string;
}

/** The measured values of a host. */
export interface Figures {
  /** The number of workers that were started. */
  workers: number | null;
  /** The time until all workers had connected, in milliseconds. */
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
