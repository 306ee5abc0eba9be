import { deadline } from "@std/async/deadline";
import { HostError } from "../errors.ts";
import type { WorkerEnd, WorkerProcess } from "../spawner/spawner.ts";
import type { Channel } from "../wire/channel.ts";
import type { Arrival, Arrivals } from "./arrivals.ts";
import type { Host, HostKind } from "./host.ts";

/** How long a worker may take to end by itself, in milliseconds. */
const STOP_TIMEOUT = 3_000;

const SHUT_DOWN = "The pool was shut down";

/** A worker that has connected back. */
export interface ConnectedWorker {
  /** What the worker is called in messages. */
  readonly name: string;
  /** Which of the pool's hosts it is at. */
  readonly hostIndex: number;
  /** How it was started. */
  readonly kind: HostKind;
  /** The way to it. */
  readonly channel: Channel;
}

interface SupervisedWorker {
  readonly name: string;
  readonly arrival: Arrival;
  readonly process: WorkerProcess;
  channel: Channel | undefined;
}

/** Starts the workers of one host, and sees to it that they end. */
export class SupervisedHost {
  /** The host. */
  readonly host: Host;
  /** How many workers there are to be; 0 while that isn't known. */
  workers: number;
  /** Why the host isn't in use, if it isn't. */
  error: Error | undefined;

  readonly #index: number;
  readonly #arrivals: Arrivals;
  readonly #onName: (worker: number, name: string) => void;
  readonly #workers: SupervisedWorker[] = [];
  #starting: Promise<ConnectedWorker[]> | undefined;
  #stopping: Promise<void> | undefined;

  /**
   * Constructs it.
   *
   * @param index Which of the pool's hosts it is.
   * @param workers How many workers there are to be, if that is known yet.
   * @param onName Called with the number and the name of each worker.
   */
  constructor(
    host: Host,
    index: number,
    workers: number,
    arrivals: Arrivals,
    onName: (worker: number, name: string) => void,
  ) {
    this.host = host;
    this.#index = index;
    this.workers = workers;
    this.#arrivals = arrivals;
    this.#onName = onName;
  }

  /**
   * Starts all workers and waits until they have connected.
   *
   * @param timeout How long that may take, in milliseconds.
   * @throws {HostError} If one of them couldn't be started or doesn't connect
   * in time; {@linkcode SupervisedHost.stop} is to be called then too.
   */
  start(timeout: number): Promise<ConnectedWorker[]> {
    this.#starting = this.#startAll(timeout);
    return this.#starting;
  }

  async #startAll(timeout: number): Promise<ConnectedWorker[]> {
    const begin = performance.now();
    this.workers = await this.host.open(timeout);
    if (this.#stopping !== undefined) throw new Error(SHUT_DOWN);
    this.host.lost.then((error) => {
      if (this.#stopping === undefined) this.error = error;
    });
    const arrivals = Array.from({ length: this.workers }, () => this.#start());
    try {
      const left = timeout - (performance.now() - begin);
      return await deadline(Promise.all(arrivals), Math.max(1, left));
    } catch (error) {
      throw isTimeout(error) ? this.#late(timeout) : error;
    }
  }

  /** Ends what was started, and waits until it has ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    for (const { arrival, channel, process } of this.#workers) {
      arrival.fail(new Error(SHUT_DOWN));
      if (channel === undefined) process.kill();
      else channel.close();
    }
    await Promise.all(this.#workers.map(({ process }) => ended(process)));
    await this.host.close();
    await this.#starting?.catch(() => {});
  }

  async #start(): Promise<ConnectedWorker> {
    const { name: host, kind, secret } = this.host;
    const name = `${host} worker ${this.#workers.length + 1}`;
    const arrival = this.#arrivals.expect(secret);
    this.#onName(arrival.number, name);
    const process = this.host.start(arrival.number);
    const worker: SupervisedWorker = {
      name,
      arrival,
      process,
      channel: undefined,
    };
    this.#workers.push(worker);
    process.ended.then((end) => arrival.fail(this.#endedEarly(name, end)));
    const channel = await arrival.channel;
    worker.channel = channel;
    return { name, hostIndex: this.#index, kind, channel };
  }

  #endedEarly(name: string, { how, lastWords }: WorkerEnd): HostError {
    const words = lastWords === ""
      ? "; what it wrote to stderr says why"
      : `: ${lastWords}`;
    return new HostError(
      this.host.name,
      "worker",
      `The ${name} ended (${how}) before it connected${words}`,
    );
  }

  #late(timeout: number): HostError {
    const absent = this.#workers
      .filter(({ channel }) => channel === undefined).length;
    return new HostError(
      this.host.name,
      "worker",
      `Of the ${this.workers} workers of the host ${this.host.name}, ${absent} were started but have not connected within the 'startTimeout' of ${timeout} ms`,
    );
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
