import { deadline } from "@std/async/deadline";
import type { PoolSettings } from "../options.ts";
import type { Channel } from "../wire/channel.ts";
import { makeSecret, PoolHandshake } from "../wire/handshake.ts";
import type { Host, WorkerProcess } from "./host.ts";
import { PoolListener } from "./listener.ts";
import { LocalHost } from "./local_host.ts";
import { PrivateFolder } from "./private_folder.ts";

/** How long a worker may take to end by itself, in milliseconds. */
const STOP_TIMEOUT = 3_000;

/** A worker that has connected back. */
export interface ConnectedWorker {
  /** What the worker is called in messages. */
  readonly name: string;
  /** The way to it. */
  readonly channel: Channel;
}

interface SupervisedWorker {
  readonly process: WorkerProcess;
  readonly arrival: PromiseWithResolvers<Channel>;
  channel: Channel | undefined;
}

/** Listens, starts workers on all hosts, and sees to it that they end. */
export class Supervisor {
  readonly #settings: PoolSettings;
  readonly #workers: SupervisedWorker[] = [];
  #folder: PrivateFolder | undefined;
  #listener: PoolListener | undefined;
  #hosts: Host[] = [];
  #stopping: Promise<void> | undefined;

  /** Constructs a supervisor that has started nothing yet. */
  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /**
   * Starts all workers and waits until they have connected.
   *
   * @throws {Error} If one of them couldn't be started or doesn't connect in
   * time; {@linkcode Supervisor.stop} is to be called then too.
   */
  async start(): Promise<ConnectedWorker[]> {
    const { startTimeout } = this.#settings;
    await this.#listen();
    const arrivals = this.#hosts.flatMap((host) =>
      Array.from({ length: host.workers }, () => this.#startWorker(host))
    );
    try {
      return await deadline(Promise.all(arrivals), startTimeout);
    } catch (error) {
      if (!isTimeout(error)) throw error;
      throw new Error(
        `Not all of the ${arrivals.length} workers have connected within the 'startTimeout' of ${startTimeout} ms`,
      );
    }
  }

  /** Ends what was started, and waits until it has ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  async #end(): Promise<void> {
    this.#listener?.close();
    for (const { arrival, channel, process } of this.#workers) {
      arrival.reject(new Error("The pool was shut down"));
      if (channel === undefined) process.kill();
      else channel.close();
    }
    await Promise.all(this.#workers.map(({ process }) => ended(process)));
    await Promise.all(this.#hosts.map((host) => host.close()));
    await this.#folder?.remove();
  }

  async #listen(): Promise<void> {
    const { transport, localhost, localport, concurrency } = this.#settings;
    const secret = makeSecret();
    if (transport === "unix") this.#folder = await PrivateFolder.make();
    this.#listener = new PoolListener(
      this.#folder === undefined
        ? { transport: "tcp", hostname: localhost, port: localport }
        : { transport: "unix", path: this.#folder.socketPath },
      new PoolHandshake(secret, { concurrency }),
      (worker, channel) => this.#arrived(worker, channel),
    );
    const { address } = this.#listener;
    const folder = this.#folder?.path;
    this.#hosts = [
      new LocalHost({ ...this.#settings, address, secret, folder }),
    ];
  }

  async #startWorker(host: Host): Promise<ConnectedWorker> {
    const worker = this.#workers.length;
    const name = `${host.name} worker ${worker + 1}`;
    const arrival = Promise.withResolvers<Channel>();
    const process = host.start(worker);
    this.#workers.push({ process, arrival, channel: undefined });
    process.ended.then((how) =>
      arrival.reject(
        new Error(
          `The ${name} ended (${how}) before it connected; what it wrote to stderr says why`,
        ),
      )
    );
    return { name, channel: await arrival.promise };
  }

  #arrived(number: number, channel: Channel): void {
    const worker = this.#workers[number];
    if (worker === undefined || worker.channel !== undefined) {
      return channel.close();
    }
    worker.channel = channel;
    worker.arrival.resolve(channel);
  }
}

/** Lets a process end by itself, or makes it. */
async function ended(process: WorkerProcess): Promise<void> {
  const timer = setTimeout(() => process.kill(), STOP_TIMEOUT);
  await process.ended;
  clearTimeout(timer);
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
