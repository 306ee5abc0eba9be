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

/** The hosts whose workers start without a queue. */
const MACHINES: readonly HostKind[] = ["local", "ssh", "spawner"];

/** The parts of a pool whose hosts grow and shrink. */
export interface ElasticHostsParts {
  readonly scheduler: Scheduler;
  readonly hosts: PoolHosts;
  readonly workers: PoolWorkers;
  /** How many calls a worker runs at once. */
  readonly concurrency: number;
}

/** What is known of a host that grows and shrinks. */
interface Elastic {
  readonly startTime: StartTime;
  readonly limit: GrowthLimit;
}

/** Starts workers when they are needed, and ends those that aren't. */
export class ElasticHosts {
  readonly #parts: ElasticHostsParts;
  readonly #policy = new ScalingPolicy();
  readonly #itemTime = new ItemTime();
  readonly #states = new Map<string, Elastic>();
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
    const elastic = hosts.present.filter(({ range }) => range !== undefined);
    const names = elastic.map(({ name }) => name);
    for (const name of this.#states.keys()) {
      if (names.includes(name)) continue;
      this.#states.delete(name);
      this.#policy.forget(name);
    }
    for (const { name, kind } of elastic) {
      if (this.#states.has(name)) continue;
      const startTime = new StartTime(timesOf(kind).start);
      this.#states.set(name, { startTime, limit: new GrowthLimit() });
    }
    this.#isActive = elastic.length > 0;
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
  joined(host: string): void {
    const state = this.#states.get(host);
    state?.startTime.joined(performance.now());
    state?.limit.joined();
  }

  /** Takes note that a worker of a host has ended. */
  ended(host: string): void {
    this.#states.get(host)?.limit.ended();
  }

  #look(): void {
    if (!this.#isActive) return;
    const { scheduler } = this.#parts;
    const idle = new Map<string, WorkerHandle[]>();
    const reading = this.#read(idle);
    for (const change of this.#policy.decide(reading)) {
      this.#apply(change, idle.get(change.name)!);
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
  #read(idle: Map<string, WorkerHandle[]>): PoolReading {
    const { scheduler, hosts, workers, concurrency } = this.#parts;
    const { items, busy } = hosts.total;
    this.#itemTime.update(items, busy);
    const microseconds = Math.max(
      this.#itemTime.microseconds,
      scheduler.presentMicroseconds,
    );
    const now = performance.now();
    const byTally = workers.byTally();
    return {
      now,
      work: scheduler.waitingWork.map(({ placement, items, hasMore }) => ({
        key: placement,
        hosts: placement === undefined
          ? undefined
          : new Set(hosts.namesFor(placement)),
        items,
        hasMore,
      })),
      microseconds,
      concurrency,
      hosts: hosts.present.map((host) => {
        const own = byTally.get(hosts.tallyOf(host)) ?? [];
        const open = own.filter(({ lost, isRetired }) => !lost && !isRetired);
        const idlest = open.filter(({ hasCalls }) => !hasCalls)
          .toSorted((one, other) => other.idleTime - one.idleTime);
        idle.set(host.name, idlest);
        return this.#readHost(host, now, open.length, idlest);
      }),
    };
  }

  #readHost(
    host: ManagedHost,
    now: number,
    connected: number,
    idle: readonly WorkerHandle[],
  ): HostReading {
    const { name, kind, range, pending, refusals = 0 } = host;
    const state = this.#states.get(name);
    const startTime = state?.startTime.milliseconds ?? 0;
    const queue = { pending: pending?.agents ?? 0, refused: refusals };
    return {
      name,
      range,
      isUsable: host.expectsWorkers && host.lostSince === undefined,
      connected,
      starting: Math.max(0, host.workers - connected),
      startTime,
      stepPause: timesOf(kind).stepPause,
      mayGrow: state?.limit.mayGrow(now, queue, startTime) ?? false,
      idle: idle.map(({ idleTime }) => ({
        workers: 1,
        milliseconds: idleTime,
      })),
    };
  }

  #apply(
    { name, workers, ending }: HostChange,
    idle: readonly WorkerHandle[],
  ): void {
    const { hosts, scheduler } = this.#parts;
    const host = hosts.present.find((host) => host.name === name)!;
    const before = host.workers;
    host.resize(workers);
    const { startTime } = this.#states.get(name)!;
    const more = host.workers - before;
    if (more > 0) startTime.asked(more, performance.now());
    else startTime.calledOff(-more - ending);
    for (const worker of idle.slice(0, ending)) {
      scheduler.drain(worker).then(() => host.release(worker.process));
    }
  }
}

function timesOf(kind: HostKind): Times {
  return MACHINES.includes(kind) ? MACHINE_TIMES : QUEUE_TIMES;
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
