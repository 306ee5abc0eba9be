import type { WorkerProcess } from "../spawner/spawner.ts";

/** How the workers of a host are started. */
export type HostKind = "local" | "ssh" | "spawner";

/** A place where workers run. */
export interface Host {
  /** What the host is called in messages. */
  readonly name: string;
  /** How its workers are started. */
  readonly kind: HostKind;
  /** The secret by which pool and workers know each other, once it is open. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /**
   * Gets ready to start workers.
   *
   * @param timeout How long that may take, in milliseconds.
   * @returns How many workers are to run there.
   * @throws {HostError} If that is not possible.
   */
  open(timeout: number): Promise<number>;
  /**
   * Starts a worker that connects back to the pool.
   *
   * @param worker The number by which it introduces itself.
   */
  start(worker: number): WorkerProcess;
  /** Resolves to the reason when the host is lost after it was open. */
  readonly lost: Promise<Error>;
  /** Frees what the host holds, once its workers have ended. */
  close(): Promise<void>;
}
