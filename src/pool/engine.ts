import {
  CallerTrace,
  CallerTracer,
  withoutFrames,
} from "../calls/caller_trace.ts";
import { ModuleBundles } from "../bundle/module_bundles.ts";
import { BrokenPoolError } from "../errors/broken_pool_error.ts";
import { PoolClosedError } from "../errors/pool_closed_error.ts";
import type { Host, HostKind } from "../hosts/host.ts";
import type {
  ConnectedWorker,
  WorkerSupervisor,
} from "../hosts/worker_supervisor.ts";
import { HostManager } from "../hosts/manager/host_manager.ts";
import { KeepAlive, LONGEST_DELAY } from "../util/keep_alive.ts";
import type { ShutdownOptions } from "../options/shutdown_options.ts";
import { CallKind } from "../calls/call_kind.ts";
import type { Placement } from "../calls/placement.ts";
import { PromisedCall } from "../calls/promised_call.ts";
import { PrefetchWindow } from "../scheduling/prefetch_window.ts";
import { Scheduler } from "../scheduling/scheduler.ts";
import type { PoolSettings } from "../options/settings.ts";
import { HostTally } from "../scheduling/host_tally.ts";
import { displayable } from "./display_stats.ts";
import type { PoolStats } from "./stats.ts";
import { UnreadMaps } from "../map/unread_maps.ts";
import { TaskRegistry } from "../tasks/task_registry.ts";
import { SharedPace } from "../scheduling/shared_pace.ts";
import type { ModuleSource } from "../scheduling/call_writer.ts";
import { WorkerHandle } from "../scheduling/worker_handle.ts";

const INITIALIZER_FAILED = "its initializer failed: ";

/** Connects the parts of a pool, and manages its life cycle. */
export class Engine {
  /** Sends calls to workers. */
  readonly scheduler: Scheduler;
  /** Assigns ids to tasks. */
  readonly tasks: TaskRegistry;
  /** Captures the stacks of callers. */
  readonly tracer: CallerTracer = new CallerTracer();
  /** Warns about maps whose results are never read. */
  readonly unreadMaps: UnreadMaps = new UnreadMaps();

  readonly #settings: PoolSettings;
  readonly #keepAlive = new KeepAlive();
  readonly #pace = new SharedPace();
  readonly #hostManager: HostManager;
  readonly #modules: ModuleSource;
  readonly #hosts: PoolHost[];
  readonly #ready = Promise.withResolvers<void>();
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #isReady = false;
  #hasEnded = false;
  readonly #graceTimers: ReturnType<typeof setTimeout>[] = [];
  #hostTimer: ReturnType<typeof setTimeout> | undefined;

  /** Constructs an engine that hasn't started yet. */
  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#ready.promise.catch(() => {});
    this.#hostManager = new HostManager(settings, {
      onWorker: (worker) => this.#replace(worker),
      onChanged: () => this.#failStranded(),
    });
    this.scheduler = new Scheduler(this.#keepAlive, {
      lost: () => {
        if (this.scheduler.workers === 0) this.#failStranded();
      },
      expects: (placement) => this.#expects(placement),
      hostError: (host) =>
        this.#hostManager.hosts.find(({ name }) => name === host)?.error,
    }, this.#pace);
    this.tasks = new TaskRegistry((task) => this.scheduler.forget(task));
    const { workers, hosts, config, denoArgs, modules } = settings;
    const bundles = new ModuleBundles(config, denoArgs);
    this.#modules = {
      needsBundle: (url) => bundles.needsBundle(url, modules),
      bundle: (url) => bundles.bundle(url),
    };
    this.#hosts = [
      ...(workers > 0 ? [poolHost("local", "local")] : []),
      ...hosts.map(({ name, kind }) => poolHost(name, kind)),
    ];
    if (settings.initializer !== undefined) {
      this.tasks.register(settings.initializer);
    }
  }

  /** The default of the `retries` option of calls. */
  get retries(): number {
    return this.#settings.retries;
  }

  /** The names of the pool's hosts. */
  get hostNames(): string[] {
    return this.#hosts.map(({ tally }) => tally.name);
  }

  /** The pool's hosts; empty until the pool starts. */
  get hosts(): Host[] {
    return this.#hostManager.hosts.flatMap(({ host }) => host ?? []);
  }

  /** Whether all workers have connected and the pool isn't shut down. */
  get isReady(): boolean {
    return this.#isReady && this.#stopping === undefined;
  }

  /** How many workers the pool should have, as far as known. */
  get totalWorkers(): number {
    const { workers, hosts } = this.#settings;
    const started = this.#hostManager.hosts;
    return started.length > 0
      ? started.reduce((total, host) => total + host.workers, 0)
      : hosts.reduce((total, host) => total + host.workers, workers);
  }

  /** Resolves when the workers are ready. Reading this doesn't start them. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Starts the workers; later calls return the same promise. */
  start(): Promise<void> {
    if (this.#starting === undefined) {
      this.#starting = this.#stopping === undefined
        ? this.#startWorkers()
        : Promise.reject(new PoolClosedError());
      // `ready` reports a failure; a program that ignores `ready` continues.
      this.#starting.catch(() => {});
      this.#ready.resolve(this.#starting);
    }
    return this.#starting;
  }

  /** See {@linkcode Pool.shutdown}. */
  async shutdown(options: ShutdownOptions): Promise<void> {
    const { wait = true, cancelFutures = false } = options;
    this.scheduler.close(closed);
    if (cancelFutures) {
      const reason = () => aborted("The pool was shut down");
      this.scheduler.cancelQueued(reason);
      this.#afterGrace(() => this.#killAll(reason));
    }
    const stopping = this.#beginStop();
    if (wait) await this.#keepAlive.during(stopping);
    else this.scheduler.releaseUnawaited();
  }

  /** See {@linkcode Pool.terminate}. */
  async terminate(): Promise<void> {
    this.scheduler.close(closed);
    this.#killAll(() => aborted("The pool was terminated"));
    await this.#keepAlive.during(this.#beginStop());
  }

  /** Shuts the pool down at the end of an `await using` block. */
  async dispose(): Promise<void> {
    this.scheduler.close(closed);
    this.#afterGrace(() => this.#cancelUnawaited());
    await this.#keepAlive.during(this.#beginStop());
  }

  /** See {@linkcode Pool.stats}. */
  stats(): PoolStats {
    const { workers, queued } = this.scheduler;
    const { hosts } = this.#hostManager;
    const byHost = this.#hosts.map(({ tally, kind }, index) => ({
      name: tally.name,
      kind,
      workers: tally.workers,
      running: tally.running,
      done: tally.done,
      failed: tally.failed,
      busy: tally.busy / 1_000,
      lost: hosts[index]?.lostWorkers ?? 0,
      error: hosts[index]?.error,
    }));
    return displayable({
      workers,
      queued,
      running: sum(byHost.map(({ running }) => running)),
      done: sum(byHost.map(({ done }) => done)),
      failed: sum(byHost.map(({ failed }) => failed)),
      hosts: byHost,
    });
  }

  #beginStop(): Promise<void> {
    if (this.#stopping === undefined) {
      if (this.#starting === undefined) {
        this.#ready.reject(new PoolClosedError());
      }
      this.#stopping = this.#stop();
      // Only a program that awaits the end gets an error.
      this.#stopping.catch(() => {});
    }
    return this.#stopping;
  }

  /** Runs an action after `cancelGrace`, unless the pool has ended. */
  #afterGrace(action: () => void): void {
    if (this.#hasEnded) return;
    const timer = setTimeout(action, this.#settings.cancelGrace);
    Deno.unrefTimer(timer);
    this.#graceTimers.push(timer);
  }

  /** Fails all calls and kills all workers. */
  #killAll(reason: () => Error): void {
    this.scheduler.cancelAll(reason);
    this.#hostManager.kill();
  }

  #cancelUnawaited(): void {
    const count = this.scheduler.cancelUnawaited(
      () => aborted("The pool's block ended, and nobody awaited the task"),
    );
    if (count === 0) return;
    const calls = count === 1 ? "1 pending call" : `${count} pending calls`;
    console.warn(
      `[distex] Cancelled ${calls} that nobody awaits, because the pool's block ended. To wait for such calls, call pool.shutdown() at the end of the block`,
    );
  }

  async #startWorkers(): Promise<void> {
    this.#keepAlive.hold();
    let step = "";
    try {
      const workers = await this.#hostManager.start();
      const handles = workers.map((worker) => this.#handle(worker));
      step = INITIALIZER_FAILED;
      await Promise.all(
        handles.map((handle) =>
          this.scheduler.connect(handle, this.#initializer())
        ),
      );
      this.scheduler.add(handles);
      this.#isReady = true;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The pool could not start: ${step}${why}`;
      await this.#break(message, cause);
      throw new BrokenPoolError(message, { cause });
    } finally {
      this.#keepAlive.release();
    }
  }

  /** Adds a worker that replaces a lost one. */
  async #replace(worker: ConnectedWorker): Promise<void> {
    const handle = this.#handle(worker);
    try {
      await this.scheduler.connect(handle, this.#initializer());
      // Until the pool has started, it would be the only worker.
      await this.#starting;
      this.scheduler.add([handle]);
    } catch (error) {
      // The supervisor starts another worker, or gives up and reports this
      // error.
      worker.process.refuse(`${INITIALIZER_FAILED}${error}`);
      handle.close();
    }
  }

  /** Returns whether a placement, or any, has or may get workers. */
  #expects(placement: Placement | undefined): boolean {
    if (!this.#isReady) return true;
    return this.#hostManager.hosts.some((supervisor) =>
      (placement?.host === undefined || supervisor.name === placement.host) &&
      supervisor.expectsWorkers && this.#timeLeft(supervisor) > 0
    );
  }

  /** Returns how much longer calls wait for a lost host, in milliseconds. */
  #timeLeft({ lostSince = Infinity }: WorkerSupervisor): number {
    return lostSince + this.#settings.hostTimeout - performance.now();
  }

  /** Fails calls that can't run, after the loss of a worker or a host. */
  #failStranded(): void {
    clearTimeout(this.#hostTimer);
    if (!this.#isReady) return this.scheduler.wake();
    const { hosts } = this.#hostManager;
    if (this.scheduler.workers === 0 && !this.#expects(undefined)) {
      const error = hosts.find(({ error }) => error !== undefined)?.error;
      const waited = hosts.some(({ lostSince }) => lostSince !== undefined)
        ? `, and no host came back within the 'hostTimeout' of ${this.#settings.hostTimeout} ms`
        : "";
      return this.#breakLater(
        `No worker is left${waited}: ${error?.message}`,
        error,
      );
    }
    this.scheduler.wake();
    const left = hosts.map((host) => this.#timeLeft(host));
    const least = Math.min(...left.filter((milliseconds) => milliseconds > 0));
    if (least === Infinity) return;
    this.#hostTimer = setTimeout(
      () => this.#failStranded(),
      Math.min(least + 1, LONGEST_DELAY),
    );
    // Only pending calls keep the program alive.
    Deno.unrefTimer(this.#hostTimer);
  }

  #breakLater(message: string, cause: unknown): void {
    // If stopping the hosts fails, shutdown() throws the error, too.
    this.#break(message, cause).catch(() => {});
  }

  #handle(
    { process, hostIndex, kind, channel }: ConnectedWorker,
  ): WorkerHandle {
    const { prefetch, concurrency, cancelGrace, transport } = this.#settings;
    return new WorkerHandle(
      {
        process,
        tally: this.#hosts[hostIndex]!.tally,
        modules: kind === "local" ? undefined : this.#modules,
        overTcp: kind === "spawner" || kind === "local" && transport === "tcp",
        concurrency,
        cancelGrace,
      },
      channel,
      new PrefetchWindow(prefetch, concurrency, {
        isLocal: kind === "local",
        pace: this.#pace,
      }),
    );
  }

  #initializer(): PromisedCall<unknown> | undefined {
    const { initializer, initializerArgs } = this.#settings;
    if (initializer === undefined) return undefined;
    const task = this.tasks.register(initializer);
    return new PromisedCall(
      new CallKind(task),
      initializerArgs,
      new CallerTrace(this.#initializer),
    );
  }

  async #break(message: string, cause: unknown): Promise<void> {
    this.#isReady = false;
    clearTimeout(this.#hostTimer);
    const reason = () => withoutFrames(new BrokenPoolError(message, { cause }));
    this.scheduler.close(reason);
    this.scheduler.cancelQueued(reason);
    await this.#hostManager.stop();
  }

  async #stop(): Promise<void> {
    try {
      await this.scheduler.idle();
      this.#isReady = false;
      clearTimeout(this.#hostTimer);
      this.scheduler.disconnect();
      await this.#keepAlive.during(this.#hostManager.stop());
      await this.#starting?.catch(() => {});
    } finally {
      this.#hasEnded = true;
      this.unreadMaps.close();
      for (const timer of this.#graceTimers) clearTimeout(timer);
      this.#keepAlive.close();
    }
  }
}

function closed(): PoolClosedError {
  return withoutFrames(new PoolClosedError());
}

function aborted(message: string): DOMException {
  return withoutFrames(new DOMException(message, "AbortError"));
}

/** A host in the pool's statistics. */
interface PoolHost {
  readonly tally: HostTally;
  readonly kind: HostKind;
}

function poolHost(name: string, kind: HostKind): PoolHost {
  return { tally: new HostTally(name), kind };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
