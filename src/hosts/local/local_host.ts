import type { WorkerLauncher } from "../../spawner/worker_launcher.ts";
import type { WorkerProcess } from "../../spawner/worker_process.ts";
import type { Host } from "../host.ts";

/** This machine, where the program itself starts the workers. */
export class LocalHost implements Host {
  readonly kind = "local";
  readonly name = "local";
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
    return Promise.resolve();
  }
}
