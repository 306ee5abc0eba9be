import type { Spawner, WorkerProcess } from "../spawner/spawner.ts";
import type { Host } from "./host.ts";

/** Workers on this machine, started by the pool's own process. */
export class LocalHost implements Host {
  readonly kind = "local";
  readonly name = "local";
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Never resolves: this machine isn't lost before its pool is. */
  readonly lost: Promise<Error> = new Promise(() => {});
  readonly #workers: number;
  readonly #spawner: Spawner;
  readonly #onEnded: (worker: number) => void;

  /**
   * Constructs the host of so many workers that have this secret.
   *
   * @param onEnded Called with the number of each worker that has ended.
   */
  constructor(
    workers: number,
    secret: Uint8Array<ArrayBuffer>,
    spawner: Spawner,
    onEnded: (worker: number) => void,
  ) {
    this.#workers = workers;
    this.secret = secret;
    this.#spawner = spawner;
    this.#onEnded = onEnded;
  }

  open(): Promise<number> {
    return Promise.resolve(this.#workers);
  }

  start(worker: number): WorkerProcess {
    const process = this.#spawner.start(worker);
    process.ended.then(() => this.#onEnded(worker));
    return process;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
