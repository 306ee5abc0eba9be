import { HostError } from "../errors/host_error.ts";
import { PoolClosedError } from "../errors/pool_closed_error.ts";
import { unlabeledPlace, type WorkerPlace } from "../options/place.ts";
import type { WorkerRange } from "../options/worker_count.ts";
import type { WorkerEnd, WorkerProcess } from "../spawner/worker_process.ts";
import { pause } from "../util/pause.ts";
import { isTimeout, withinLimit } from "../util/within_limit.ts";
import { Backoff } from "./backoff.ts";
import { endUnneeded, endWorkers } from "./end_workers.ts";
import type { Host, HostKind } from "./host.ts";
import type {
  ConnectedWorker,
  ManagedHost,
  PendingAgents,
  StartingWorkers,
} from "./managed_host.ts";
import { RestartPolicy } from "./restart_policy.ts";
import { describeEnd, SupervisedWorker } from "./supervised_worker.ts";
import type { SupervisorOptions } from "./supervisor_options.ts";
import { WorkerSlots } from "./worker_slots.ts";

/** The pauses before a lost host is connected again, in milliseconds. */
const FIRST_RECONNECT = 500;
const LAST_RECONNECT = 30_000;

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
  readonly #slots = new WorkerSlots();
  readonly #stopped = new AbortController();
  #host: Host | undefined;
  /** How many workers the host may have; 0 while that is unknown. */
  #most: number;
  /** How many it should have, once its number was changed. */
  #wanted: number | undefined;
  /** Whether the first workers have connected, and are supervised. */
  #isSupervising = false;
  #restarts = new RestartPolicy(Infinity);
  /** Whether lost workers aren't replaced any more. */
  #givenUp = false;
  /** How many later workers start or will start, each in place of a lost one. */
  #replacements = 0;
  /** How many of them start now. */
  #starts = 0;
  /** When it began to connect to the host, until it is connected. */
  #openingSince: number | undefined;
  /** When it tries to connect to a lost host again, during a pause. */
  #nextAttempt: number | undefined;
  #starting: Promise<unknown> | undefined;
  #stopping: Promise<void> | undefined;

  /** Constructs a supervisor that has started nothing yet. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.place = options.place ?? unlabeledPlace();
    this.#wanted = options.scaling?.min;
    this.workers = this.#wanted ?? options.workers;
    this.#most = options.workers;
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

  get range(): Required<WorkerRange> | undefined {
    const { scaling } = this.#options;
    return scaling && { ...scaling, max: Math.max(this.#most, scaling.min) };
  }

  /** Whether it has workers or will have some. */
  get expectsWorkers(): boolean {
    if (this.#stopped.signal.aborted) return false;
    return !this.#givenUp || this.lostSince !== undefined ||
      this.#replacements > 0;
  }

  get starting(): StartingWorkers | undefined {
    if (this.#stopped.signal.aborted) return undefined;
    const next = this.#nextAttempt;
    if (next !== undefined) return { workers: 0, since: undefined, next };
    return this.#slots.starting(this.#openingSince);
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
    this.workers = this.#wanted = workers;
    if (!this.#isSupervising) return;
    for (const worker of this.#slots.callOff(workers)) endUnneeded(worker);
    this.#fill();
  }

  replace(process: WorkerProcess): void {
    if (this.#slots.replace(process)) this.#fill();
  }

  release(process: WorkerProcess): void {
    this.#slots.letGo(process);
    this.#fill();
    for (const worker of this.#slots.released) {
      if (worker.process === process) endUnneeded(worker);
    }
  }

  /** Kills all workers and replaces none. */
  kill(): void {
    this.#stopped.abort();
    for (const { process } of this.#slots.living) process.kill();
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
    this.#openingSince = begin;
    this.#nextAttempt = undefined;
    const made = makeHost();
    const host = made instanceof Promise ? await made : made;
    if (this.#stopped.signal.aborted) throw new PoolClosedError();
    this.#host = host;
    this.#most = await host.open(startTimeout);
    this.#openingSince = undefined;
    if (this.#stopped.signal.aborted) throw new PoolClosedError();
    this.workers = this.#wanted ?? this.#most;
    this.#restarts = new RestartPolicy(maxRestarts);
    this.#givenUp = false;
    this.#slots.clear();
    const left = this.#options.startsAnyTime
      ? Infinity
      : Math.max(1, startTimeout - (performance.now() - begin));
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
        connected[index] = await this.#connected(this.#startWorker(index));
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
    await endWorkers(this.#slots.living, reason);
    // This also ends a spawner that hangs.
    await this.#host?.close();
  }

  #startWorker(index: number): SupervisedWorker {
    const worker = new SupervisedWorker(this.#host!, index, this.#options);
    this.#slots.set(index, worker);
    return worker;
  }

  async #connected(worker: SupervisedWorker): Promise<ConnectedWorker> {
    const { codec, owner = this } = this.#options;
    const channel = await worker.connected(codec);
    const { process } = worker;
    return { process, channel, host: owner, place: this.place };
  }

  /** Watches the host and its workers, to replace them when they are lost. */
  #supervise(): void {
    const host = this.#host!;
    for (const [index, worker] of this.#slots.workers) {
      this.#watch(worker, index);
    }
    this.#isSupervising = true;
    // The number may have been changed meanwhile.
    this.#fill();
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
      const { isReleased } = worker;
      // The others would be refused too.
      const isLoss = !isReleased || process.refusal !== undefined;
      if (this.#stopped.signal.aborted || !isLoss) return;
      this.lostWorkers++;
      if (end.hostLost || this.lostSince !== undefined) return;
      if (!isReleased) {
        this.#slots.delete(index);
        if (this.#slots.size >= this.workers) return;
        const replaced = this.#slots.replacedAt(index);
        if (replaced !== undefined && !worker.isConnected) {
          return this.#replaceAfter(index, replaced);
        }
        if (process.isBlameless) return this.#replace(index, 0);
      }
      if (this.#givenUp) return;
      const lived = performance.now() - begin;
      const wait = this.#restarts.lost(index, lived, this.workers);
      const exitStatus = process.refusal ?? end.exitStatus;
      if (wait === undefined) this.#giveUp({ ...end, exitStatus });
      else if (!isReleased) this.#replace(index, wait);
    });
  }

  /** Keeps a place until the worker before has ended: only then is there room. */
  #replaceAfter(index: number, replaced: WorkerProcess): void {
    const vacancy = this.#slots.keep(index, Infinity);
    replaced.ended.then(() => {
      if (this.#slots.isKept(index, vacancy)) this.#replace(index, 0);
    });
  }

  /** Starts workers that are missing, as many at a time as the host permits. */
  #fill(): void {
    const isUsable = this.#isSupervising && !this.#givenUp &&
      !this.#stopped.signal.aborted;
    if (!isUsable) return;
    for (const index of this.#slots.free()) {
      if (this.#slots.size >= this.workers) return;
      if (this.#starts >= this.#host!.parallelStarts) return;
      this.#replace(index, 0);
    }
  }

  /** Starts a worker in a free place, after a pause. */
  async #replace(index: number, wait: number): Promise<void> {
    this.#replacements++;
    // If this fails, the end of the new worker is handled like any other.
    await this.#startReplacement(index, wait).catch(() => {});
    this.#replacements--;
    // Calls may have waited for this replacement alone.
    if (this.#givenUp) this.#options.onChanged();
    else this.#fill();
  }

  async #startReplacement(index: number, wait: number): Promise<void> {
    const { signal } = this.#stopped;
    const vacancy = this.#slots.keep(index, performance.now() + wait);
    if (wait > 0) await pause(wait, signal);
    // Meanwhile, it may have been called off, or the host may have been lost.
    const isNeeded = this.#isSupervising && this.#slots.isKept(index, vacancy);
    if (!isNeeded) return;
    const worker = this.#startWorker(index);
    this.#watch(worker, index);
    const connected = await this.#connectedInTime(worker);
    const replaces = this.#slots.replacedAt(index);
    await this.#options.onWorker({ ...connected, replaces });
  }

  async #connectedInTime(worker: SupervisedWorker): Promise<ConnectedWorker> {
    this.#starts++;
    try {
      const connected = this.#connected(worker);
      const { startsAnyTime, startTimeout } = this.#options;
      return await withinLimit(
        connected,
        startsAnyTime ? Infinity : startTimeout,
      );
    } catch (error) {
      if (isTimeout(error)) worker.process.kill();
      throw error;
    } finally {
      this.#starts--;
      this.#fill();
    }
  }

  #giveUp(end: WorkerEnd): void {
    this.#givenUp = true;
    this.error = new HostError(
      this.name,
      "worker",
      `Too many workers of the host ${this.name} were lost within a minute, and they aren't replaced any more; the last one ended ${
        describeEnd(end)
      }`,
    );
    this.#options.report(this.error.message);
    this.#options.onChanged();
  }

  /** Tries to connect to a lost host again, with growing pauses. */
  async #reconnect(reason: Error): Promise<void> {
    const { report, onWorker, onChanged } = this.#options;
    const { signal } = this.#stopped;
    this.#isSupervising = false;
    this.lostSince = performance.now();
    this.error = reason;
    onChanged();
    report(`was lost (${reason.message}); trying to connect again`);
    await this.#endAll(reason);
    const backoff = new Backoff(FIRST_RECONNECT, LAST_RECONNECT);
    while (!signal.aborted) {
      try {
        const wait = backoff.next();
        this.#nextAttempt = performance.now() + wait;
        await pause(wait, signal);
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

  #late(): HostError {
    const present = this.#slots.living.filter(({ isConnected }) => isConnected);
    const absent = this.workers - present.length;
    return new HostError(
      this.name,
      "worker",
      `${absent} of the ${this.workers} workers of the host ${this.name} have not connected within the 'startTimeout' of ${this.#options.startTimeout} ms`,
    );
  }
}
