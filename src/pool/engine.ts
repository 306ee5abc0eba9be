import { CallerTracer, withoutFrames } from "../calls/caller_trace.ts";
import type { Future } from "../calls/future.ts";
import { ModuleBundles } from "../bundle/module_bundles.ts";
import { BrokenPoolError } from "../errors/broken_pool_error.ts";
import { PoolClosedError } from "../errors/pool_closed_error.ts";
import type { Host } from "../hosts/host.ts";
import type { HostPlan } from "../hosts/host_plan.ts";
import type { ConnectedWorker } from "../hosts/managed_host.ts";
import { HostManager } from "../hosts/manager/host_manager.ts";
import { formatDuration } from "../util/format_duration.ts";
import { KeepAlive } from "../util/keep_alive.ts";
import type { AnyHostSettings } from "../options/any_host.ts";
import type { ShutdownOptions } from "../options/shutdown_options.ts";
import { Scheduler } from "../scheduling/scheduler.ts";
import type { PoolSettings } from "../options/pool_settings.ts";
import { ElasticHosts } from "./elastic_hosts.ts";
import type { PoolPhase } from "./explanation.ts";
import { Explanations } from "./explanations.ts";
import { HostChanges } from "./host_changes.ts";
import { PoolHosts } from "./pool_hosts.ts";
import {
  INITIALIZER_FAILED,
  InitializerFailure,
  PoolWorkers,
} from "./pool_workers.ts";
import { StallWatch } from "./stall_watch.ts";
import { StrandedCalls } from "./stranded_calls.ts";
import type { PoolStats } from "./stats.ts";
import { UnreadMaps } from "../map/unread_maps.ts";
import { TaskRegistry } from "../tasks/task_registry.ts";
import { SharedPace } from "../scheduling/shared_pace.ts";

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
  readonly #hostManager: HostManager;
  readonly #hosts: PoolHosts;
  readonly #workers: PoolWorkers;
  readonly #elastic: ElasticHosts;
  readonly #hostChanges: HostChanges;
  readonly #explanations: Explanations;
  readonly #stranded: StrandedCalls;
  readonly #stalls: StallWatch;
  readonly #ready = Promise.withResolvers<void>();
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #isReady = false;
  /** Whether its hosts are ended, as no call needs them any more. */
  #isEnding = false;
  #hasEnded = false;
  /** Why the pool can't run calls, if it broke. */
  #failure: (() => Error) | undefined;
  readonly #graceTimers: ReturnType<typeof setTimeout>[] = [];
  /** The number of the next call, if calls have numbers. */
  #nextNumber = 0;

  /** Constructs an engine that hasn't started yet. */
  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#ready.promise.catch(() => {});
    this.#hostManager = new HostManager(settings, {
      onWorker: (worker) => this.#addWorker(worker),
      onChanged: () => this.#stranded.fail(),
      drain: (workers) => this.#workers.drain(workers),
      idleTime: (workers) => this.#workers.idleTime(workers),
    });
    const { hostTimeout, config, denoArgs, modules } = settings;
    this.#hosts = new PoolHosts(this.#hostManager.hosts, hostTimeout);
    const pace = new SharedPace();
    this.scheduler = new Scheduler(
      this.#keepAlive,
      {
        lost: (worker) => {
          this.#elastic.ended(worker);
          if (this.scheduler.workers === 0) this.#stranded.fail();
        },
        expects: (placement) =>
          !this.#isReady || this.#hosts.expects(placement),
        expectedPlaces: () => this.#hosts.expectedPlaces(),
        isRemoved: (host) => this.#hosts.isRemoved(host),
        hostError: (host) => this.#hosts.errorOf(host),
        dispatched: () => {
          this.#elastic.dispatched();
          this.#stalls.dispatched();
        },
        full: (worker) => this.#workers.replace(worker),
      },
      pace,
      settings.maxQueue,
      settings.maxTasksPerWorker !== Infinity,
    );
    this.tasks = new TaskRegistry(
      (task) => this.scheduler.forget(task),
      settings.isInline || settings.inspect !== false,
    );
    const bundles = new ModuleBundles(config, denoArgs);
    this.#workers = new PoolWorkers({
      settings,
      scheduler: this.scheduler,
      tasks: this.tasks,
      modules: {
        needsBundle: (url) => bundles.needsBundle(url, modules),
        bundle: (url) => bundles.bundle(url),
      },
      pace,
      hosts: this.#hosts,
    });
    this.#elastic = new ElasticHosts({
      scheduler: this.scheduler,
      hosts: this.#hosts,
      workers: this.#workers,
      concurrency: settings.concurrency,
    });
    this.#stranded = new StrandedCalls({
      scheduler: this.scheduler,
      hosts: this.#hosts,
      isReady: () => this.#isReady,
      onStranded: ({ message, cause }) => {
        // If stopping the hosts fails, shutdown() throws the error, too.
        this.#break(message, cause).catch(() => {});
      },
    });
    this.#hostChanges = new HostChanges({
      hostManager: this.#hostManager,
      hosts: this.#hosts,
      workers: this.#workers,
      elastic: this.#elastic,
      scheduler: this.scheduler,
      keepAlive: this.#keepAlive,
      stranded: this.#stranded,
      starting: () => this.#starting,
      checkUsable: () => this.#checkUsable(),
      isReady: () => this.#isReady,
    });
    this.#explanations = new Explanations({
      situations: this.scheduler.situations,
      hosts: this.#hosts,
      workers: this.#workers,
      phase: () => this.#phase,
    });
    this.#stalls = new StallWatch({
      limit: settings.stallWarning,
      movement: () => this.scheduler.situations.movement,
      waiting: () => this.#explanations.stall(),
      warn: (milliseconds, explanation) =>
        this.#hostManager.report(
          `Nothing has moved for ${
            formatDuration(milliseconds)
          } (stallWarning). ${explanation}`,
        ),
    });
  }

  /** Whether lines that tasks print have the number of the call. */
  get outputCalls(): boolean {
    return this.#settings.outputCalls;
  }

  /** Returns the number of the next call that isn't an item of a map. */
  nextNumber(): number {
    return this.#nextNumber++;
  }

  /** The default of the `retries` option of calls. */
  get retries(): number {
    return this.#settings.retries;
  }

  /** How many calls may wait for a worker. */
  get maxQueue(): number {
    return this.#settings.maxQueue;
  }

  /** How values are sent. */
  get codec(): PoolSettings["codec"] {
    return this.#settings.codec;
  }

  /** The names of the pool's hosts. */
  get hostNames(): string[] {
    return this.#hosts.names;
  }

  /** The machines whose workers the pool starts; empty until it starts. */
  get hosts(): Host[] {
    return this.#hostManager.machines;
  }

  /** Whether all workers have connected and the pool isn't shut down. */
  get isReady(): boolean {
    return this.#isReady && this.#stopping === undefined;
  }

  /** How many workers the pool should have, as far as known. */
  get totalWorkers(): number {
    return this.#hosts.totalWorkers;
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

  /** See {@linkcode Pool.hasRoom}. */
  hasRoom(): Promise<void> {
    // If no call may wait, only workers make room.
    if (this.#settings.maxQueue === 0) this.start();
    return this.scheduler.hasRoom();
  }

  /** See {@linkcode Pool.dryRun}. */
  dryRun(): HostPlan[] {
    return this.#hostManager.plans;
  }

  /** See {@linkcode Pool.addHost}. */
  addHost(settings: AnyHostSettings): Promise<string> {
    return this.#hostChanges.add(settings);
  }

  /** See {@linkcode Pool.removeHost}. */
  removeHost(name: string, drain: boolean): Promise<void> {
    return this.#hostChanges.remove(name, drain);
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
    return this.#hosts.stats(workers, queued);
  }

  /** See {@linkcode Pool.explain}. */
  explain(future: Future<unknown> | undefined): string {
    return future === undefined
      ? this.#explanations.ofPool()
      : this.#explanations.of(future);
  }

  /** What the pool is doing, as a whole. */
  get #phase(): PoolPhase {
    if (this.#failure !== undefined) {
      return { code: "broken", reason: this.#failure().message };
    }
    if (this.#hasEnded) return { code: "closed" };
    if (this.#stopping !== undefined) return { code: "closing" };
    if (this.#starting === undefined) return { code: "lazy" };
    return { code: this.#isReady ? "running" : "starting" };
  }

  #checkUsable(): void {
    if (this.#stopping !== undefined) throw new PoolClosedError();
    if (this.#failure !== undefined) throw this.#failure();
  }

  /** Adds a worker that comes after the start. */
  async #addWorker(worker: ConnectedWorker): Promise<void> {
    const isInUse = await this.#workers.addLater(worker, this.#starting);
    if (isInUse) this.#elastic.joined(worker.host);
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
    this.#isEnding = true;
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
    try {
      const workers = await this.#hostManager.start();
      await this.#workers.add(workers);
      if (this.#isEnding) throw new PoolClosedError();
      this.#isReady = true;
      this.#elastic.start();
      // Only now it is known which calls no worker can run: workers and hosts may
      // have been lost meanwhile.
      this.#stranded.fail();
    } catch (error) {
      const isInitializer = error instanceof InitializerFailure;
      const step = isInitializer ? INITIALIZER_FAILED : "";
      const cause = isInitializer ? error.error : error;
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The pool could not start: ${step}${why}`;
      // A start that fails because the hosts are ended breaks nothing.
      if (!this.#isEnding) await this.#break(message, cause);
      throw new BrokenPoolError(message, { cause });
    } finally {
      this.#keepAlive.release();
    }
  }

  async #break(message: string, cause: unknown): Promise<void> {
    this.#isReady = false;
    this.#stranded.stop();
    this.#elastic.stop();
    this.#stalls.stop();
    const reason = () => withoutFrames(new BrokenPoolError(message, { cause }));
    this.#failure = reason;
    this.scheduler.close(reason);
    this.scheduler.cancelQueued(reason);
    await this.#hostManager.stop();
  }

  async #stop(): Promise<void> {
    try {
      await this.scheduler.idle();
      this.#isEnding = true;
      this.#isReady = false;
      this.#stranded.stop();
      this.#elastic.stop();
      this.#stalls.stop();
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
