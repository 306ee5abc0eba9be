import { WorkerProcess } from "../../spawner/worker_process.ts";
import { Channel } from "../../transport/channel.ts";
import { MemoryConnection } from "../../transport/memory_connection.ts";
import { makeSecret } from "../../transport/secret.ts";
import {
  type InlineSettings,
  InlineWorker,
} from "../../worker/inline_worker.ts";
import type { Host } from "../host.ts";
import type { PendingConnections } from "../pending_connections.ts";

/** The program's own thread, which runs tasks as a single worker. */
export class InlineHost implements Host {
  readonly kind = "inline";
  readonly name = "local";
  readonly parallelStarts = 1;
  readonly secret: Uint8Array<ArrayBuffer> = makeSecret();
  /** Never resolves: it ends with the program. */
  readonly lost: Promise<Error> = new Promise(() => {});
  readonly #settings: InlineSettings;
  readonly #pendingConnections: PendingConnections;

  /** Constructs the host. */
  constructor(
    settings: InlineSettings,
    pendingConnections: PendingConnections,
  ) {
    this.#settings = settings;
    this.#pendingConnections = pendingConnections;
  }

  open(): Promise<number> {
    return Promise.resolve(1);
  }

  start(number: number, name: string): WorkerProcess {
    const [here, there] = MemoryConnection.pair();
    const worker = new InlineWorker(there, this.#settings);
    this.#pendingConnections.resolve(number, new Channel(here));
    const ended = worker.ended.then((error) => ({
      exitStatus: error === undefined
        ? "given up in the program's own thread"
        : `broken: ${error}`,
      stderrTail: "",
    }));
    return new WorkerProcess(name, ended, () => worker.kill());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
