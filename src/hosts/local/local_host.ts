import type { Spawner, WorkerProcess } from "../../spawner/spawner.ts";
import type { Host } from "../host.ts";

/** Workers on this machine, started by the pool's own process. */
export class LocalHost implements Host {
  readonly kind = "local";
  readonly name = "local";
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Never resolves: this machine isn't lost before its pool is. */
  readonly lost: Promise<Error> = new Promise(() => {});
  readonly #workers: number;
  readonly #spawner: Spawner;

  /** Constructs the host of so many workers that have this secret. */
  constructor(
    workers: number,
    secret: Uint8Array<ArrayBuffer>,
    spawner: Spawner,
  ) {
    this.#workers = workers;
    this.secret = secret;
    this.#spawner = spawner;
  }

  open(): Promise<number> {
    return Promise.resolve(this.#workers);
  }

  start(worker: number): WorkerProcess {
    return this.#spawner.start(worker);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
