import type { HostManager } from "../hosts/manager/host_manager.ts";
import type { ManagedHost } from "../hosts/managed_host.ts";
import type { AnyHostSettings } from "../options/any_host.ts";
import { checkChoice } from "../options/option_checks.ts";
import type { Scheduler } from "../scheduling/scheduler.ts";
import type { KeepAlive } from "../util/keep_alive.ts";
import type { ElasticHosts } from "./elastic_hosts.ts";
import type { PoolHosts } from "./pool_hosts.ts";
import { InitializerFailure, type PoolWorkers } from "./pool_workers.ts";
import type { StrandedCalls } from "./stranded_calls.ts";

/** The parts of a pool whose hosts change. */
export interface HostChangesParts {
  readonly hostManager: HostManager;
  readonly hosts: PoolHosts;
  readonly workers: PoolWorkers;
  readonly elastic: ElasticHosts;
  readonly scheduler: Scheduler;
  readonly keepAlive: KeepAlive;
  readonly stranded: StrandedCalls;
  /** Returns the start of the pool, once it has begun. */
  readonly starting: () => Promise<void> | undefined;
  /** Throws if the pool was shut down or broke. */
  readonly checkUsable: () => void;
  /** Returns whether all workers had connected, and the pool is in use. */
  readonly isReady: () => boolean;
}

/** Adds hosts to a pool, and removes them. */
export class HostChanges {
  readonly #parts: HostChangesParts;
  /** The removals of hosts that aren't complete. */
  readonly #removals = new Map<string, Promise<void>>();

  /** Constructs the changes of a pool. */
  constructor(parts: HostChangesParts) {
    this.#parts = parts;
  }

  /** See {@linkcode Pool.addHost}. */
  async add(settings: AnyHostSettings): Promise<string> {
    const { hostManager, hosts, workers, elastic, keepAlive, starting } =
      this.#parts;
    const { name } = settings;
    // If the start fails, the pool is broken or was shut down.
    await starting()?.catch(() => {});
    this.#parts.checkUsable();
    if (hosts.has(name)) {
      throw new RangeError(
        `The pool already has a host '${name}': give the new host another 'name'`,
      );
    }
    const host = hostManager.add(settings);
    hosts.add(host);
    // The hosts of a lazy pool start together.
    if (starting() === undefined) return name;
    try {
      await workers.add(await keepAlive.during(host.start()));
      elastic.start();
    } catch (error) {
      // removeHost() may have ended it meanwhile.
      const isRemoved = hosts.isLeaving(host);
      if (!isRemoved) hosts.leave(host);
      await this.#dismiss(host);
      if (isRemoved) throw new Error(`The host ${name} was removed`);
      throw error instanceof InitializerFailure ? error.error : error;
    }
    return name;
  }

  /** See {@linkcode Pool.removeHost}. */
  async remove(name: string, drain: boolean): Promise<void> {
    // A start of the pool would fail without one of its hosts.
    await this.#parts.starting()?.catch(() => {});
    const { names } = this.#parts.hosts;
    const hosts = this.#parts.hosts.named(name);
    if (hosts.length === 0) checkChoice("name", name, names);
    if (names.every((other) => other === name)) {
      throw new RangeError(
        `The host '${name}' is the pool's only one: add another first, or shut the pool down`,
      );
    }
    if (!drain) { for (const host of hosts) host.kill(); }
    let removal = this.#removals.get(name);
    if (removal === undefined) {
      removal = this.#removeAll(hosts)
        .finally(() => this.#removals.delete(name));
      this.#removals.set(name, removal);
    }
    await removal;
  }

  /** Ends hosts once their workers have finished what they run. */
  async #removeAll(hosts: readonly ManagedHost[]): Promise<void> {
    for (const host of hosts) {
      this.#parts.hosts.leave(host);
      host.resize(0);
    }
    // Calls that must run there fail now.
    this.#parts.scheduler.wake();
    await Promise.all(hosts.map(async (host) => {
      await this.#parts.workers.drainHost(host);
      await this.#dismiss(host);
    }));
  }

  /** Ends a host whose workers have no calls any more, and forgets it. */
  async #dismiss(host: ManagedHost): Promise<void> {
    const { hostManager, hosts, elastic, keepAlive, stranded, isReady } =
      this.#parts;
    try {
      await keepAlive.during(hostManager.remove(host));
    } finally {
      // Even if its jobs couldn't be cancelled, their connections have ended.
      hosts.remove(host);
      if (isReady()) elastic.start();
      stranded.fail();
    }
  }
}
