import type { WorkerProcess } from "../spawner/worker_process.ts";

/** The batch systems and other launchers that start workers. */
export type LauncherKind =
  | "slurm"
  | "sge"
  | "pbs"
  | "kubernetes"
  | "docker"
  | "podman"
  | "launch";

/**
 * The kind of a host: how its workers are started. Those of a `"joined"` host
 * have come by themselves. An `"inline"` host is the program itself.
 */
export type HostKind =
  | "local"
  | "inline"
  | "ssh"
  | "spawner"
  | "joined"
  | LauncherKind;

/** A place where workers run. */
export interface Host {
  /** The name of the host in messages. */
  readonly name: string;
  /** How its workers are started. */
  readonly kind: HostKind;
  /** The secret that the pool shares with the host's workers, once it is open. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /**
   * Connects to the host.
   *
   * @param timeout The time limit, in milliseconds.
   * @returns The number of workers to start there.
   * @throws {HostError} If the host can't be used.
   */
  open(timeout: number): Promise<number>;
  /** How many workers may start at the same time. */
  readonly parallelStarts: number;
  /**
   * Starts a worker that connects back to the pool.
   *
   * @param worker The number that the worker sends when it connects.
   * @param name The name of the worker in messages.
   * @throws {Error} If it can't be started.
   */
  start(worker: number, name: string): WorkerProcess;
  /** Resolves when the open host is lost, to the reason. */
  readonly lost: Promise<Error>;
  /** Disconnects from the host, which ends workers that still run there. */
  close(): Promise<void>;
}
