import { HostError } from "../errors/host_error.ts";
import { pause } from "../util/pause.ts";
import { isTimeout, withinLimit } from "../util/within_limit.ts";
import type { WorkerEnd, WorkerProcess } from "../spawner/spawner.ts";
import type { Channel } from "../transport/channel.ts";
import type {
  ExpectedConnection,
  ExpectedConnections,
} from "./expected_connections.ts";
import type { Host, HostKind } from "./host.ts";
import { jittered, Restarts } from "./restarts.ts";

/** How long a worker may take to end by itself, in milliseconds. */
const STOP_TIMEOUT = 3_000;

/** How long it may take until the end of one that is killed is known. */
const KILL_TIMEOUT = 1_000;

/** The same of one whose connection has ended unasked. */
const LOST_TIMEOUT = 500;

/** The pauses before a lost host is tried again, in milliseconds. */
const FIRST_REOPEN = 500;
const LAST_REOPEN = 30_000;

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
  /** Ends its process, which counts as a loss unless it is blameless. */
  readonly kill: (blameless: boolean) => void;
  /** Sees to it that its process ends, and tells how it did. */
  readonly end: () => Promise<WorkerEnd>;
  /** Notes why it can't be used, as it is to end for that. */
  readonly refuse: (reason: string) => void;
}

/** What a supervised host needs to know and has to tell. */
export interface HostSupervision {
  /** Makes the host, each time that it is to be reached. */
  readonly makeHost: () => Host;
  /** What the host is called. */
  readonly name: string;
  /** Which of the pool's hosts it is. */
  readonly index: number;
  /** How many workers there are to be; 0 while that isn't known. */
  readonly workers: number;
  /** How often in a minute each worker may be lost, on average. */
  readonly maxRestarts: number;
  /** How long a start may take, in milliseconds. */
  readonly startTimeout: number;
  /** The connections that the pool expects. */
  readonly expectedConnections: ExpectedConnections;
  /** Called with the number and the name of each worker. */
  readonly onName: (worker: number, name: string) => void;
  /** Called with the number of each that has ended, when its output was read. */
  readonly onEnded: (worker: number) => void;
  /**
   * Called with each worker that takes the place of one that was lost; it
   * resolves when the worker is in use, or won't be.
   */
  readonly onWorker: (worker: ConnectedWorker) => Promise<void>;
  /** Called when the host is lost, or its workers aren't replaced any more. */
  readonly onChanged: () => void;
  /** Passes on a line about the host. */
  readonly report: (line: string) => void;
}

interface SupervisedWorker {
  readonly name: string;
  readonly arrival: ExpectedConnection;
  readonly process: WorkerProcess;
  readonly begin: number;
  channel: Channel | undefined;
  /** Why it couldn't be used, if that is so. */
  refusal: string | undefined;
  /** Whether it was ended for something that isn't its fault. */
  isBlameless: boolean;
}

/** Starts the workers of one host, replaces them, and sees that they end. */
export class SupervisedHost {
  /** How many workers there are to be; 0 while that isn't known. */
  workers: number;
  /** Why the host isn't in use, if it isn't. */
  error: Error | undefined;
  /** Since when the host is lost and being reached again, if it is. */
  lostSince: number | undefined;
  /** How many workers were lost so far, those of a lost host included. */
  lostWorkers = 0;

  readonly #supervision: HostSupervision;
  readonly #workers: (SupervisedWorker | undefined)[] = [];
  readonly #stopped = new AbortController();
  #host: Host | undefined;
  #restarts = new Restarts(Infinity);
  /** Whether what is lost isn't replaced any more. */
  #givenUp = false;
  /** How many replacements are on their way. */
  #replacements = 0;
  #starting: Promise<unknown> | undefined;
  #stopping: Promise<void> | undefined;

  /** Constructs it; nothing is started yet. */
  constructor(supervision: HostSupervision) {
    this.#supervision = supervision;
    this.workers = supervision.workers;
  }

  /** What the host is called. */
  get name(): string {
    return this.#supervision.name;
  }

  /** The host as it is reached now, if it is. */
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
   * @throws {HostError} If one of them couldn't be started or doesn't connect
   * in time; {@linkcode SupervisedHost.stop} is to be called then too.
   */
  start(): Promise<ConnectedWorker[]> {
    const starting = this.#start();
    this.#starting = starting.catch(() => {});
    return starting;
  }

  /** Kills all workers and replaces none. */
  kill(): void {
    this.#stopped.abort();
    for (const worker of this.#workers) worker?.process.kill();
  }

  /** Ends what was started, and waits until it has ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Reaches the host, the first time or again, and starts all workers. */
  async #start(): Promise<ConnectedWorker[]> {
    const { makeHost, startTimeout, maxRestarts } = this.#supervision;
    const begin = performance.now();
    this.#host = makeHost();
    this.workers = await this.#host.open(startTimeout);
    if (this.#stopped.signal.aborted) throw new Error(SHUT_DOWN);
    this.#restarts = new Restarts(maxRestarts * this.workers);
    this.#givenUp = false;
    this.#workers.length = 0;
    const expectedConnections = Array.from(
      { length: this.workers },
      (_, index) => this.#startWorker(index),
    );
    const left = Math.max(1, startTimeout - (performance.now() - begin));
    const connected = await this.#allConnected(expectedConnections, left);
    this.lostSince = undefined;
    this.error = undefined;
    this.#supervise();
    return connected;
  }

  async #allConnected(
    expectedConnections: readonly Promise<ConnectedWorker>[],
    timeout: number,
  ): Promise<ConnectedWorker[]> {
    try {
      return await withinLimit(Promise.all(expectedConnections), timeout);
    } catch (error) {
      throw isTimeout(error) ? this.#late() : error;
    }
  }

  async #stop(): Promise<void> {
    this.#stopped.abort();
    await this.#endAll(SHUT_DOWN);
    await this.#starting;
  }

  async #endAll(reason: string): Promise<void> {
    const workers = this.#workers.filter((worker) => worker !== undefined);
    for (const { arrival, channel, process } of workers) {
      arrival.fail(new Error(reason));
      if (channel === undefined) process.kill();
      else channel.close();
    }
    const ends = workers.map(({ process }) => ended(process, STOP_TIMEOUT));
    const given = new AbortController();
    // A spawner that hangs tells of no ends; then it is its host that ends.
    await Promise.race([
      Promise.all(ends),
      pause(STOP_TIMEOUT + KILL_TIMEOUT, given.signal).catch(() => {}),
    ]);
    given.abort();
    await this.#host?.close();
  }

  async #startWorker(index: number): Promise<ConnectedWorker> {
    const { expectedConnections, onName, onEnded, index: hostIndex } =
      this.#supervision;
    const host = this.#host!;
    const name = `${this.name} worker ${index + 1}`;
    const arrival = expectedConnections.expect(host.secret);
    onName(arrival.number, name);
    const worker: SupervisedWorker = {
      name,
      arrival,
      process: startProcess(host, arrival.number),
      begin: performance.now(),
      channel: undefined,
      refusal: undefined,
      isBlameless: false,
    };
    this.#workers[index] = worker;
    const { process } = worker;
    process.ended.then((end) => {
      onEnded(arrival.number);
      arrival.fail(this.#endedEarly(name, end));
    });
    const channel = await arrival.channel;
    worker.channel = channel;
    const kill = (blameless: boolean) => {
      // Its connection may break for that, which is no fault of its either.
      worker.isBlameless ||= blameless;
      process.kill();
    };
    const end = () => ended(process, LOST_TIMEOUT);
    const refuse = (reason: string) => worker.refusal = reason;
    return { name, hostIndex, kind: host.kind, channel, kill, end, refuse };
  }

  /** From now on sees to it that what is lost is replaced. */
  #supervise(): void {
    const host = this.#host!;
    this.#workers.forEach((worker, index) => this.#watch(worker!, index));
    host.lost.then((reason) => {
      if (!this.#stopped.signal.aborted) this.#starting = this.#reopen(reason);
    });
  }

  #watch(worker: SupervisedWorker, index: number): void {
    const { process, begin } = worker;
    process.ended.then((end) => {
      if (this.#stopped.signal.aborted) return;
      this.lostWorkers++;
      if (end.hostLost || this.lostSince !== undefined) return;
      if (worker.isBlameless) return this.#replace(index, 0);
      if (this.#givenUp) return;
      const wait = this.#restarts.lost(index, performance.now() - begin);
      const exitStatus = worker.refusal ?? end.exitStatus;
      if (wait === undefined) this.#giveUp({ ...end, exitStatus });
      else this.#replace(index, wait);
    });
  }

  /** Has another worker take the place of one that was lost. */
  async #replace(index: number, wait: number): Promise<void> {
    this.#replacements++;
    // Of one that doesn't come, its end tells why.
    await this.#startReplacement(index, wait).catch(() => {});
    this.#replacements--;
    // It was what calls may have waited for.
    if (this.#givenUp) this.#supervision.onChanged();
  }

  async #startReplacement(index: number, wait: number): Promise<void> {
    const { signal } = this.#stopped;
    const host = this.#host;
    await pause(wait, signal);
    if (this.lostSince !== undefined || this.#host !== host) return;
    const { startTimeout, onWorker } = this.#supervision;
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

  #giveUp({ exitStatus, stderrTail }: WorkerEnd): void {
    if (this.#givenUp) return;
    this.#givenUp = true;
    const words = stderrTail === "" ? "" : `: ${stderrTail}`;
    this.error = new HostError(
      this.name,
      "worker",
      `Too many workers of the host ${this.name} were lost within a minute, and they aren't replaced any more; the last ended (${exitStatus})${words}`,
    );
    this.#supervision.report(this.error.message);
    this.#supervision.onChanged();
  }

  /** Reaches a lost host again, with growing pauses. */
  async #reopen(reason: Error): Promise<void> {
    const { report, onWorker } = this.#supervision;
    const { signal } = this.#stopped;
    this.lostSince = performance.now();
    this.#supervision.onChanged();
    this.error = reason;
    report(`was lost (${reason.message}); trying to reach it again`);
    await this.#endAll(reason.message);
    for (let wait = FIRST_REOPEN; !signal.aborted;) {
      try {
        await pause(jittered(wait), signal);
        const connected = await this.#start();
        report("is there again");
        for (const worker of connected) onWorker(worker);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.error = error as Error;
        await this.#endAll(this.error.message);
      }
      wait = Math.min(LAST_REOPEN, wait * 2);
    }
  }

  #endedEarly(name: string, { exitStatus, stderrTail }: WorkerEnd): HostError {
    const words = stderrTail === "" ? "" : `: ${stderrTail}`;
    return new HostError(
      this.name,
      "worker",
      `The ${name} did not connect (${exitStatus})${words}`,
    );
  }

  #late(): HostError {
    const absent = this.#workers
      .filter((worker) => worker?.channel === undefined).length;
    return new HostError(
      this.name,
      "worker",
      `Of the ${this.workers} workers of the host ${this.name}, ${absent} were started but have not connected within the 'startTimeout' of ${this.#supervision.startTimeout} ms`,
    );
  }
}

/** Starts a worker; what can't be started has ended at once. */
function startProcess(host: Host, worker: number): WorkerProcess {
  try {
    return host.start(worker);
  } catch (error) {
    const exitStatus = `could not be started: ${error}`;
    return {
      ended: Promise.resolve({ exitStatus, stderrTail: "" }),
      kill() {},
    };
  }
}

/** Lets a process end by itself, or makes it. */
async function ended(
  process: WorkerProcess,
  timeout: number,
): Promise<WorkerEnd> {
  const timer = setTimeout(() => process.kill(), timeout);
  const end = await process.ended;
  clearTimeout(timer);
  return end;
}
