import { CallKind } from "../calls/call_kind.ts";
import { CallerTrace } from "../calls/caller_trace.ts";
import { PromisedCall } from "../calls/promised_call.ts";
import type { ConnectedWorker, ManagedHost } from "../hosts/managed_host.ts";
import type { PoolSettings } from "../options/pool_settings.ts";
import { LimitedWindow } from "../scheduling/limited_window.ts";
import {
  PrefetchWindow,
  type WindowOptions,
} from "../scheduling/prefetch_window.ts";
import type { HostTally } from "../scheduling/host_tally.ts";
import type { Scheduler } from "../scheduling/scheduler.ts";
import type { ModuleSource } from "../scheduling/sent_modules.ts";
import type { SharedPace } from "../scheduling/shared_pace.ts";
import { WorkerHandle } from "../scheduling/worker_handle.ts";
import type { TaskRegistry } from "../tasks/task_registry.ts";
import type { PoolHosts } from "./pool_hosts.ts";
import { WorkerTurnover } from "./worker_turnover.ts";

type WorkerProcess = ConnectedWorker["process"];

/** How messages about failed initializers begin. */
export const INITIALIZER_FAILED = "its initializer failed: ";

/** The parts of a pool that its workers need. */
export interface PoolWorkersParts {
  readonly settings: PoolSettings;
  readonly scheduler: Scheduler;
  readonly tasks: TaskRegistry;
  readonly modules: ModuleSource;
  readonly pace: SharedPace;
  readonly hosts: PoolHosts;
}

/** An initializer that failed, as the reason why a pool doesn't start. */
export class InitializerFailure {
  /** Constructs it with the error of the initializer. */
  constructor(readonly error: unknown) {}
}

/** Takes connected workers into use, and out of use. */
export class PoolWorkers {
  readonly #parts: PoolWorkersParts;
  readonly #handles = new Map<WorkerProcess, WorkerHandle>();
  readonly #hosts = new WeakMap<WorkerHandle, ManagedHost>();
  readonly #turnover: WorkerTurnover;

  /** Constructs it without workers. */
  constructor(parts: PoolWorkersParts) {
    this.#parts = parts;
    const { settings: { initializer, maxTasksPerWorker }, tasks } = parts;
    this.#turnover = new WorkerTurnover(parts.scheduler, maxTasksPerWorker);
    if (initializer !== undefined) tasks.register(initializer);
  }

  /**
   * Runs the initializer in workers, then gives them calls.
   *
   * @throws {InitializerFailure} If the initializer fails.
   */
  async add(workers: readonly ConnectedWorker[]): Promise<void> {
    const { scheduler } = this.#parts;
    const handles = workers.map((worker) => this.#handle(worker));
    try {
      await Promise.all(
        handles.map((handle) => scheduler.connect(handle, this.#initializer())),
      );
    } catch (error) {
      throw new InitializerFailure(error);
    }
    scheduler.add(handles);
  }

  /**
   * Does the same with a worker that comes later, and refuses it if the
   * initializer fails.
   *
   * @param started Resolves when the pool has started.
   * @returns Whether the worker is in use.
   */
  async addLater(
    worker: ConnectedWorker,
    started: Promise<void> | undefined,
  ): Promise<boolean> {
    const { scheduler, hosts } = this.#parts;
    if (hosts.isLeaving(worker.host)) {
      worker.channel.close();
      return false;
    }
    const handle = this.#handle(worker);
    try {
      await scheduler.connect(handle, this.#initializer());
      // Until the pool has started, it would be the only worker.
      await started;
      const { replaces } = worker;
      if (replaces !== undefined) {
        await this.#turnover.turnAfter(replaces, handle);
      }
      scheduler.add([handle]);
      return true;
    } catch (error) {
      // The supervisor starts another worker, or gives up and reports this
      // error.
      worker.process.refuse(`${INITIALIZER_FAILED}${error}`);
      handle.close();
      return false;
    }
  }

  /**
   * Ends a worker that uses too much memory once it has no calls, and starts
   * another in its place.
   */
  async replace(handle: WorkerHandle): Promise<void> {
    // With a higher concurrency, it may still run its first tasks.
    if (!this.#hasRun(handle)) await this.#parts.scheduler.drain(handle);
    if (this.#hasRun(handle)) {
      return await this.#turnover.replace(handle, this.#hosts.get(handle)!);
    }
    // Others would end in the same way, so this counts as a loss.
    handle.process.refuse(
      "it needed more memory than 'maxMemory' before it had run a task: for the initializer, or for the module or the arguments of a task",
    );
    handle.close();
  }

  /** Returns whether a worker waits until another has run its last call. */
  isWaiting(handle: WorkerHandle): boolean {
    return this.#turnover.isWaiting(handle);
  }

  /** Takes back what workers haven't begun, and waits until they are idle. */
  async drain(workers: Iterable<WorkerProcess>): Promise<void> {
    const { scheduler } = this.#parts;
    await Promise.all([...workers].map(async (worker) => {
      const handle = this.#handles.get(worker);
      if (handle !== undefined) await scheduler.drain(handle);
    }));
  }

  /** Returns how long all of some workers have had no calls, in milliseconds. */
  idleTime(workers: Iterable<WorkerProcess>): number {
    let least = Infinity;
    for (const worker of workers) {
      least = Math.min(least, this.#handles.get(worker)?.idleTime ?? 0);
    }
    return least;
  }

  /** Does the same with all workers of a host. */
  async drainHost(host: ManagedHost): Promise<void> {
    const workers = this.byTally().get(this.#parts.hosts.tallyOf(host)) ?? [];
    await this.drain(workers.map(({ process }) => process));
  }

  /** Returns the workers by the tally of their host. */
  byTally(): Map<HostTally, WorkerHandle[]> {
    return Map.groupBy(this.#handles.values(), ({ tally }) => tally);
  }

  #handle({ process, host, channel, place }: ConnectedWorker): WorkerHandle {
    const { settings, modules, pace, hosts } = this.#parts;
    const { concurrency, cancelGrace, transport } = settings;
    const isLocal = host.kind === "local" || host.kind === "inline";
    const window = this.#window({ isLocal, pace });
    const handle = new WorkerHandle(
      {
        process,
        tally: hosts.tallyOf(host),
        place,
        modules: isLocal ? undefined : modules,
        overTcp: host.kind === "local"
          ? transport === "tcp"
          : host.kind !== "ssh" && host.kind !== "inline",
        concurrency,
        cancelGrace,
      },
      channel,
      window,
    );
    if (window instanceof LimitedWindow) {
      this.#turnover.watch(handle, host, window);
    }
    this.#handles.set(process, handle);
    this.#hosts.set(handle, host);
    process.ended.then(() => this.#handles.delete(process));
    return handle;
  }

  /** Returns whether a worker has run anything besides its initializer. */
  #hasRun({ answered }: WorkerHandle): boolean {
    const { initializer } = this.#parts.settings;
    return answered > (initializer === undefined ? 0 : 1);
  }

  #window(options: WindowOptions): PrefetchWindow {
    const { prefetch, concurrency, maxTasksPerWorker, initializer } =
      this.#parts.settings;
    if (maxTasksPerWorker === Infinity) {
      return new PrefetchWindow(prefetch, concurrency, options);
    }
    const most = maxTasksPerWorker + (initializer === undefined ? 0 : 1);
    return new LimitedWindow(prefetch, concurrency, most, options);
  }

  #initializer(): PromisedCall<unknown> | undefined {
    const { settings: { initializer, initializerArgs }, tasks } = this.#parts;
    if (initializer === undefined) return undefined;
    const task = tasks.register(initializer);
    return new PromisedCall(
      new CallKind(task),
      initializerArgs,
      new CallerTrace(this.#initializer),
    );
  }
}
