import type { WorkerLauncher } from "../../spawner/worker_launcher.ts";
import type { WorkerProcess } from "../../spawner/worker_process.ts";
import type { Host } from "../host.ts";

/**
 * How many workers start at the same time, for each CPU. With fewer, CPUs are
 * idle while workers wait for the pool. With more, workers take turns and all
 * finish late, perhaps too late to authenticate themselves in time.
 */
const STARTS_PER_CPU = 4;

/** This machine, where the program itself starts the workers. */
export class LocalHost implements Host {
  readonly kind = "local";
  readonly name = "local";
  readonly parallelStarts = STARTS_PER_CPU * navigator.hardwareConcurrency;
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Never resolves: the program can't outlive its own machine. */
  readonly lost: Promise<Error> = new Promise(() => {});
  readonly #workers: number;
  readonly #launcher: WorkerLauncher;

  /**
   * Constructs the host.
   *
   * @param workers The number of workers.
   * @param secret The secret that the pool shares with these workers.
   */
  constructor(
    workers: number,
    secret: Uint8Array<ArrayBuffer>,
    launcher: WorkerLauncher,
  ) {
    this.#workers = workers;
    this.secret = secret;
    this.#launcher = launcher;
  }

  open(): Promise<number> {
    return Promise.resolve(this.#workers);
  }

  start(worker: number, name: string): WorkerProcess {
    return this.#launcher.start(worker, name);
  }

  close(): Promise<void> {
    return this.#launcher.close();
  }
}
