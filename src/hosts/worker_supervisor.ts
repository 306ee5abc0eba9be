import { HostError } from "../errors/host_error.ts";
import { PoolClosedError } from "../errors/pool_closed_error.ts";
import { useCodec } from "../protocol/value_codec.ts";
import { type WorkerEnd, WorkerProcess } from "../spawner/worker_process.ts";
import type { Channel } from "../transport/channel.ts";
import { unlabeledPlace, type WorkerPlace } from "../options/place.ts";
import { pause } from "../util/pause.ts";
import { isTimeout, withinLimit } from "../util/within_limit.ts";
import { Backoff } from "./backoff.ts";
import type { Host, HostKind } from "./host.ts";
import type {
  ConnectedWorker,
  ManagedHost,
  PendingAgents,
} from "./managed_host.ts";
import type { PendingConnection } from "./pending_connections.ts";
import { RestartPolicy } from "./restart_policy.ts";
import type { SupervisorOptions } from "./supervisor_options.ts";

/** How long a worker may take to end by itself, in milliseconds. */
const STOP_TIMEOUT = 3_000;

/** How long the report that a killed worker has ended may take, in milliseconds. */
const KILL_TIMEOUT = 1_000;

/** The pauses before a lost host is connected again, in milliseconds. */
const FIRST_RECONNECT = 500;
const LAST_RECONNECT = 30_000;

interface SupervisedWorker {
  readonly process: WorkerProcess;
  readonly pending: PendingConnection;
  readonly begin: number;
  channel: Channel | undefined;
  /** Whether it was released, so that its end is no loss. */
  isReleased: boolean;
}

/**
 * Starts the workers of one host, replaces lost workers, and reconnects to the
 * host when it is lost.
 */
export class WorkerSupervisor implements ManagedHost {
  /** Never: its workers start at once. */
  readonly pending: PendingAgents | undefined = undefined;
  /** The number of workers; 0 while that is unknown. */
  workers: number;
  /** Why the host isn't in use, if it isn't. */
  error: Error | undefined;
  /** When the host was lost (`performance.now()`), until it is back. */
  lostSince: number | undefined;
  /** How many workers were lost so far, alone or together with the host. */
  lostWorkers = 0;

  readonly #options: SupervisorOptions;
  /** The labels and amounts of its machine. */
  readonly place: WorkerPlace;
  readonly #workers: (SupervisedWorker | undefined)[] = [];
  readonly #stopped = new AbortController();
  #host: Host | undefined;
  #restarts = new RestartPolicy(Infinity);
  /** Whether lost workers aren't replaced any more. */
  #givenUp = false;
  /** How many replacements are in progress. */
  #replacements = 0;
  #starting: Promise<unknown> | undefined;
  #stopping: Promise<void> | undefined;

  /** Constructs a supervisor that has started nothing yet. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.place = options.place ?? unlabeledPlace();
    this.workers = options.workers;
  }

  /** The name of the host. */
  get name(): string {
    return this.#options.name;
  }

  get kind(): HostKind {
    return this.#options.kind;
  }

  /** The host of the latest attempt to connect, if there was one. */
  get host(): Host | undefined {
    return this.#host;
  }

  /** Whether it has workers or will have some. */
  get expectsWorkers(): boolean {
    if (this.#stopped.signal.aborted) return false;
    return !this.#givenUp || this.lostSince !== undefined ||
      this.#replacements > 0;
  }

  /**
   * Starts all workers and waits until they have connected.
   *
   * @throws {HostError} If a worker can't be started or doesn't connect in
   * time. Call {@linkcode WorkerSupervisor.stop} even then.
   */
  start(): Promise<ConnectedWorker[]> {
    const starting = this.#start();
    this.#starting = starting.catch((error) => this.error = error);
    return starting;
  }

  resize(workers: number): void {
    this.workers = workers;
  }

  release(process: WorkerProcess): void {
    const worker = this.#workers.find((worker) => worker?.process === process);
    if (worker === undefined) return;
    worker.isReleased = true;
    worker.channel?.close();
    process.end(STOP_TIMEOUT);
  }

  /** Kills all workers and replaces none. */
  kill(): void {
    this.#stopped.abort();
    for (const worker of this.#workers) worker?.process.kill();
  }

  /** Ends everything that was started, and waits until it has ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Connects to the host and starts all workers, for the first time or again. */
  async #start(): Promise<ConnectedWorker[]> {
    const { makeHost, startTimeout, maxRestarts } = this.#options;
    const begin = performance.now();
    const made = makeHost();
    const host = made instanceof Promise ? await made : made;
    if (this.#stopped.signal.aborted) throw new PoolClosedError();
    this.#host = host;
    this.workers = await host.open(startTimeout);
    if (this.#stopped.signal.aborted) throw new PoolClosedError();
    this.#restarts = new RestartPolicy(maxRestarts * this.workers);
    this.#givenUp = false;
    this.#workers.length = 0;
    const left = Math.max(1, startTimeout - (performance.now() - begin));
    const connected = await this.#allConnected(left);
    this.lostSince = undefined;
    this.error = undefined;
    this.#supervise();
    return connected;
  }

  /** Starts all workers, and starts no more once one of them fails. */
  async #allConnected(timeout: number): Promise<ConnectedWorker[]> {
    const failed = new AbortController();
    const signal = AbortSignal.any([failed.signal, this.#stopped.signal]);
    try {
      return await withinLimit(this.#startAll(signal), timeout);
    } catch (error) {
      failed.abort();
      throw isTimeout(error) ? this.#late() : error;
    }
  }

  /** Starts workers, but only as many at the same time as the host permits. */
  async #startAll(signal: AbortSignal): Promise<ConnectedWorker[]> {
    const connected: ConnectedWorker[] = [];
    let next = 0;
    const startInTurn = async () => {
      while (next < this.workers && !signal.aborted) {
        const index = next++;
        connected[index] = await this.#startWorker(index);
      }
    };
    const turns = Math.min(this.workers, this.#host!.parallelStarts);
    await Promise.all(Array.from({ length: turns }, startInTurn));
    signal.throwIfAborted();
    return connected;
  }

  async #stop(): Promise<void> {
    const reason = new PoolClosedError();
    this.#stopped.abort();
    await this.#endAll(reason);
    await this.#starting;
  }

  async #endAll(reason: Error): Promise<void> {
    const workers = this.#workers.filter((worker) => worker !== undefined);
    for (const { pending, channel, process } of workers) {
      pending.cancel(reason);
      if (channel === undefined) process.kill();
      else channel.close();
    }
    const ends = workers.map(({ process }) => process.end(STOP_TIMEOUT));
    const waited = new AbortController();
    // A spawner that hangs doesn't report ends. Closing the host ends it.
    await Promise.race([
      Promise.all(ends),
      pause(STOP_TIMEOUT + KILL_TIMEOUT, waited.signal).catch(() => {}),
    ]);
    waited.abort();
    await this.#host?.close();
  }

  async #startWorker(index: number): Promise<ConnectedWorker> {
    const { codec, pendingConnections, onName, onEnded, owner = this } =
      this.#options;
    const host = this.#host!;
    const name = `${this.name} worker ${index + 1}`;
    const pending = pendingConnections.add(host.secret);
    onName(pending.number, name);
    const process = startProcess(host, pending.number, name);
    const begin = performance.now();
    const worker: SupervisedWorker = {
      process,
      pending,
      begin,
      channel: undefined,
      isReleased: false,
    };
    this.#workers[index] = worker;
    process.ended.then((end) => {
      onEnded(pending.number);
      if (worker.channel === undefined) {
        pending.cancel(this.#endedEarly(process, end));
      }
    });
    const channel = await pending.channel;
    worker.channel = channel;
    await useCodec(channel, codec);
    return { process, channel, host: owner, place: this.place };
  }

  /** Watches the host and its workers, to replace them when they are lost. */
  #supervise(): void {
    const host = this.#host!;
    this.#workers.forEach((worker, index) => this.#watch(worker!, index));
    host.lost.then((reason) => {
      if (this.#stopped.signal.aborted) return;
      const { onHostLost } = this.#options;
      if (onHostLost !== undefined) return onHostLost(reason);
      this.#starting = this.#reconnect(reason);
    });
  }

  #watch(worker: SupervisedWorker, index: number): void {
    const { process, begin } = worker;
    process.ended.then((end) => {
      if (this.#stopped.signal.aborted || worker.isReleased) return;
      this.lostWorkers++;
      if (index >= this.workers) return;
      if (end.hostLost || this.lostSince !== undefined) return;
      if (process.isBlameless) return this.#replace(index, 0);
      if (this.#givenUp) return;
      const wait = this.#restarts.lost(index, performance.now() - begin);
      const exitStatus = process.refusal ?? end.exitStatus;
      if (wait === undefined) this.#giveUp({ ...end, exitStatus });
      else this.#replace(index, wait);
    });
  }

  /** Replaces a lost worker after a pause. */
  async #replace(index: number, wait: number): Promise<void> {
    this.#replacements++;
    // If this fails, the end of the new worker is handled like any other.
    await this.#startReplacement(index, wait).catch(() => {});
    this.#replacements--;
    // Calls may have waited for this replacement alone.
    if (this.#givenUp) this.#options.onChanged();
  }

  async #startReplacement(index: number, wait: number): Promise<void> {
    const { signal } = this.#stopped;
    const host = this.#host;
    await pause(wait, signal);
    if (this.lostSince !== undefined || this.#host !== host) return;
    if (index >= this.workers) return;
    const { startTimeout, onWorker } = this.#options;
    const starting = this.#startWorker(index);
    const worker = this.#workers[index]!;
    this.#watch(worker, index);
    try {
      await onWorker(await withinLimit(starting, startTimeout));
    } catch (error) {
      if (isTimeout(error)) worker.process.kill();
      throw error;
    }
  }

  #giveUp(end: WorkerEnd): void {
    this.#givenUp = true;
    this.error = new HostError(
      this.name,
      "worker",
      `Too many workers of the host ${this.name} were lost within a minute, and they aren't replaced any more; the last one ended ${
        describe(end)
      }`,
    );
    this.#options.report(this.error.message);
    this.#options.onChanged();
  }

  /** Tries to connect to a lost host again, with growing pauses. */
  async #reconnect(reason: Error): Promise<void> {
    const { report, onWorker, onChanged } = this.#options;
    const { signal } = this.#stopped;
    this.lostSince = performance.now();
    onChanged();
    this.error = reason;
    report(`was lost (${reason.message}); trying to connect again`);
    await this.#endAll(reason);
    const backoff = new Backoff(FIRST_RECONNECT, LAST_RECONNECT);
    while (!signal.aborted) {
      try {
        await pause(backoff.next(), signal);
        const connected = await this.#start();
        report("is connected again");
        for (const worker of connected) onWorker(worker);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.error = error as Error;
        await this.#endAll(this.error);
      }
    }
  }

  #endedEarly({ name }: WorkerProcess, end: WorkerEnd): HostError {
    return new HostError(
      this.name,
      "worker",
      `The ${name} did not connect ${describe(end)}`,
    );
  }

  #late(): HostError {
    const absent = this.workers -
      this.#workers.filter((worker) => worker?.channel !== undefined).length;
    return new HostError(
      this.name,
      "worker",
      `${absent} of the ${this.workers} workers of the host ${this.name} have not connected within the 'startTimeout' of ${this.#options.startTimeout} ms`,
    );
  }
}

/** Starts a worker; if that fails, returns a process that has ended. */
function startProcess(
  host: Host,
  worker: number,
  name: string,
): WorkerProcess {
  try {
    return host.start(worker, name);
  } catch (error) {
    return WorkerProcess.failed(name, error);
  }
}

/** Describes how a worker ended, for the last words of a message. */
function describe({ exitStatus, stderrTail }: WorkerEnd): string {
  return stderrTail === ""
    ? `(${exitStatus})`
    : `(${exitStatus}): ${stderrTail}`;
}
