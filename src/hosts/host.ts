/** A process that a host has started to be a worker. */
export interface WorkerProcess {
  /** Resolves, when the process has ended, to how: `"exit code 1"`. */
  readonly ended: Promise<string>;
  /** Ends the process at once. */
  kill(): void;
}

/** A place where workers run. */
export interface Host {
  /** What the host is called in messages. */
  readonly name: string;
  /** How many workers run there. */
  readonly workers: number;
  /**
   * Starts a worker that connects back to the pool.
   *
   * @param worker The number by which it introduces itself.
   */
  start(worker: number): WorkerProcess;
  /** Frees what the host holds, once its workers have ended. */
  close(): Promise<void>;
}
