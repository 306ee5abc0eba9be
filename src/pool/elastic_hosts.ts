import type { HostKind } from "../hosts/host.ts";
import type { ManagedHost } from "../hosts/managed_host.ts";
import { GrowthLimit } from "../scaling/growth_limit.ts";
import { ItemTime } from "../scaling/item_time.ts";
import type {
  HostChange,
  HostReading,
  PoolReading,
} from "../scaling/readings.ts";
import { ScalingPolicy } from "../scaling/scaling_policy.ts";
import { StartTime } from "../scaling/start_time.ts";
import type { Scheduler } from "../scheduling/scheduler.ts";
import type { WorkerHandle } from "../scheduling/worker_handle.ts";
import { LONGEST_DELAY } from "../util/keep_alive.ts";
import { isOneMachine } from "./is_one_machine.ts";
import { placedWork } from "./placed_work.ts";
import type { PoolHosts } from "./pool_hosts.ts";
import type { PoolWorkers } from "./pool_workers.ts";

/** How often hosts are looked at while there are calls, in milliseconds. */
const INTERVAL = 50;

/** The times that differ between kinds of hosts, in milliseconds. */
interface Times {
  /** How long a worker takes to start, until that was measured. */
  readonly start: number;
  /** The least time between requests for further workers. */
  readonly stepPause: number;
}

/** The times of a machine that is connected, and of a batch system. */
const MACHINE_TIMES: Times = { start: 100, stepPause: INTERVAL };
const QUEUE_TIMES: Times = { start: 10_000, stepPause: 1_000 };

/** The parts of a pool whose hosts grow and shrink. */
export interface ElasticHostsParts {
  readonly scheduler: Scheduler;
  readonly hosts: PoolHosts;
  readonly workers: PoolWorkers;
  /** How many calls a worker runs at once. */
  readonly concurrency: number;
}

/** Workers that end together, and have been idle. */
interface IdleGroup {
  readonly workers: readonly WorkerHandle[];
  readonly milliseconds: number;
}

/** What is known of a host that grows and shrinks. */
interface Elastic {
  readonly startTime: StartTime;
  readonly limit: GrowthLimit;
  /** How many of its requests for workers were refused. */
  refusals: number;
}

/** Starts workers when they are needed, and ends those that aren't. */
export class ElasticHosts {
  readonly #parts: ElasticHostsParts;
  readonly #policy = new ScalingPolicy();
  readonly #itemTime = new ItemTime();
  readonly #states = new WeakMap<ManagedHost, Elastic>();
  /** Whether any host may grow or shrink. */
  #isActive = false;
  /** Whether hosts are looked at again soon. */
  #isWatching = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Constructs it for a pool that hasn't started. */
  constructor(parts: ElasticHostsParts) {
    this.#parts = parts;
  }

  /** Looks at the hosts from now on; called again when there are others. */
  start(): void {
    const { hosts } = this.#parts;
    this.#isActive = hosts.present.some(({ range }) => range !== undefined);
    this.dispatched();
  }

  /** Starts and ends no more workers. */
  stop(): void {
    this.#isActive = false;
    clearTimeout(this.#timer);
  }

  /** Takes note that calls were submitted, sent or answered. */
  dispatched(): void {
    if (this.#isWatching || !this.#isActive) return;
    this.#isWatching = true;
    clearTimeout(this.#timer);
    queueMicrotask(() => this.#look());
  }

  /** Takes note that a worker of a host has joined. */
  joined(host: ManagedHost): void {
    const { startTime, limit } = this.#stateOf(host);
    startTime.joined(performance.now());
    limit.joined();
  }

  /** Takes note that a worker has ended. */
  ended({ tally }: WorkerHandle): void {
    const { hosts } = this.#parts;
    const host = hosts.present.find((host) => hosts.tallyOf(host) === tally);
    if (host !== undefined) this.#stateOf(host).limit.ended();
  }

  #stateOf(host: ManagedHost): Elastic {
    let state = this.#states.get(host);
    if (state === undefined) {
      const startTime = new StartTime(timesOf(host.kind).start);
      state = { startTime, limit: new GrowthLimit(), refusals: 0 };
      this.#states.set(host, state);
    }
    return state;
  }

  #look(): void {
    if (!this.#isActive) {
      this.#isWatching = false;
      return;
    }
    const { scheduler } = this.#parts;
    const idle = new Map<object, IdleGroup[]>();
    const reading = this.#read(idle);
    for (const change of this.#policy.decide(reading)) {
      this.#apply(change, idle.get(change.host)!);
    }
    this.#isWatching = !scheduler.isIdle;
    const pause = this.#isWatching ? INTERVAL : untilEnd(reading.hosts);
    if (pause === Infinity) return;
    this.#timer = setTimeout(
      () => this.#look(),
      Math.min(pause, LONGEST_DELAY),
    );
    // Only pending calls keep the program alive.
    Deno.unrefTimer(this.#timer);
  }

  /**
   * Reads the state of the pool.
   *
   * @param idle Receives the idle workers of hosts, in the order of the reading.
   */
  #read(idle: Map<object, IdleGroup[]>): PoolReading {
    const { scheduler, hosts, workers, concurrency } = this.#parts;
    const { items, busy } = hosts.total;
    this.#itemTime.update(items, busy);
    const microseconds = Math.max(
      this.#itemTime.microseconds,
      scheduler.presentMicroseconds,
    );
    const now = performance.now();
    const byTally = workers.byTally();
    const { present } = hosts;
    return {
      now,
      work: placedWork(scheduler, present),
      microseconds,
      concurrency,
      hosts: present.map((host) => {
        const own = byTally.get(hosts.tallyOf(host)) ?? [];
        const open = own.filter((worker) =>
          !worker.lost && !worker.isRetired && !workers.isWaiting(worker)
        );
        const groups = idleGroups(host.kind, open);
        idle.set(host, groups);
        return this.#readHost(host, now, open.length, groups);
      }),
    };
  }

  #readHost(
    host: ManagedHost,
    now: number,
    connected: number,
    idle: readonly IdleGroup[],
  ): HostReading {
    const { kind, range, pending, refusals = 0 } = host;
    const state = this.#stateOf(host);
    const { startTime, limit } = state;
    const starting = Math.max(0, host.workers - connected);
    if (refusals > state.refusals) {
      state.refusals = refusals;
      // Those that were refused won't come.
      startTime.keep(starting);
    }
    const { milliseconds } = startTime;
    const queue = { pending: pending?.agents ?? 0, refused: refusals };
    return {
      host,
      range,
      isUsable: host.expectsWorkers && host.lostSince === undefined,
      connected,
      starting,
      startTime: milliseconds,
      stepPause: timesOf(kind).stepPause,
      mayGrow: limit.mayGrow(now, queue, milliseconds),
      idle: idle.map(({ workers, milliseconds }) => ({
        workers: workers.length,
        milliseconds,
      })),
    };
  }

  #apply(change: HostChange, idle: readonly IdleGroup[]): void {
    const host = change.host as ManagedHost;
    const before = host.workers;
    host.resize(change.workers);
    const ending = idle.slice(0, change.ending)
      .flatMap(({ workers }) => workers);
    const { startTime } = this.#stateOf(host);
    const more = host.workers - before;
    if (more > 0) startTime.asked(more, performance.now());
    else startTime.calledOff(-more - ending.length);
    for (const worker of ending) {
      this.#parts.scheduler.drain(worker)
        .then(() => host.release(worker.process));
    }
  }
}

/**
 * Returns the workers that can end, those that have been idle the longest first.
 * The workers of a job end together.
 */
function idleGroups(
  kind: HostKind,
  workers: readonly WorkerHandle[],
): IdleGroup[] {
  const groups = isOneMachine(kind)
    ? workers.map((worker) => [worker])
    : [...Map.groupBy(workers, ({ place }) => place).values()];
  return groups.map((workers) => ({
    workers,
    milliseconds: Math.min(...workers.map(({ idleTime }) => idleTime)),
  })).filter(({ milliseconds }) => milliseconds > 0)
    .toSorted((one, other) => other.milliseconds - one.milliseconds);
}

function timesOf(kind: HostKind): Times {
  return isOneMachine(kind) ? MACHINE_TIMES : QUEUE_TIMES;
}

/** Returns when the next worker may have been idle for too long. */
function untilEnd(hosts: readonly HostReading[]): number {
  const pauses = hosts.flatMap(({ range, connected, starting, idle }) => {
    if (range === undefined || connected + starting <= range.min) return [];
    const [first] = idle;
    const left = range.idle - (first?.milliseconds ?? 0);
    return Math.max(INTERVAL, left);
  });
  return Math.min(...pauses);
}
