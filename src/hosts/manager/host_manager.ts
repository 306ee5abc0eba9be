import { PoolClosedError } from "../../errors/pool_closed_error.ts";
import type { AnyHostSettings } from "../../options/any_host.ts";
import type { HostSettings } from "../../options/host_spec.ts";
import { placeOf } from "../../options/place.ts";
import type { PoolSettings } from "../../options/pool_settings.ts";
import type { WorkerProcess } from "../../spawner/worker_process.ts";
import { AgentGroups } from "../agent_groups.ts";
import type { Host } from "../host.ts";
import type { HostPlan } from "../host_plan.ts";
import type { ConnectedWorker, ManagedHost } from "../managed_host.ts";
import type { Supervision } from "../launch/fleet_agent.ts";
import { OutputLines } from "../output_lines.ts";
import { PendingConnections } from "../pending_connections.ts";
import type { PoolServices } from "../pool_services.ts";
import type { SupervisorOptions } from "../supervisor_options.ts";
import { WorkerSupervisor } from "../worker_supervisor.ts";
import { LocalWorkers } from "./local_workers.ts";
import {
  type FleetParts,
  makeJoinedFleet,
  makeLaunchedFleet,
} from "./make_fleet.ts";
import { makeRemoteHost } from "./make_host.ts";
import { planInline, planLocal, planRemote } from "./plan_host.ts";
import { PoolResources } from "./pool_resources.ts";

/** The events of a pool's hosts. */
export interface HostEvents {
  /** See {@linkcode SupervisorOptions.onWorker}. */
  readonly onWorker: (worker: ConnectedWorker) => Promise<void>;
  /** Called when a host is lost, or its workers aren't replaced any more. */
  readonly onChanged: () => void;
  /** Takes back what workers haven't begun, and waits until they are idle. */
  readonly drain: (workers: Iterable<WorkerProcess>) => Promise<void>;
  /** Returns how long all of some workers have had no calls, in milliseconds. */
  readonly idleTime: (workers: Iterable<WorkerProcess>) => number;
}

/** Manages all hosts of a pool: listens, and starts and ends their workers. */
export class HostManager {
  readonly #settings: PoolSettings;
  readonly #events: HostEvents;
  readonly #output: OutputLines;
  readonly #pendingConnections = new PendingConnections();
  readonly #agentGroups = new AgentGroups();
  readonly #hosts: ManagedHost[] = [];
  /** The hosts that were removed and haven't stopped yet. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #plans = new WeakMap<ManagedHost, () => HostPlan>();
  readonly #localWorkers: LocalWorkers;
  #resources: PoolResources | undefined;
  #bundling: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #stopped = new AbortController();

  /** Constructs a manager of the hosts of a pool, which has started nothing yet. */
  constructor(settings: PoolSettings, events: HostEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#output = new OutputLines({
      silent: settings.stdio === "null",
      inspect: settings.inspect !== false,
    });
    this.#localWorkers = new LocalWorkers(settings);
    if (settings.workers > 0) this.#hosts.push(this.#makeLocal());
    for (const host of settings.hosts) this.#hosts.push(this.#make(host));
    const { token } = settings.listen;
    if (token !== undefined) this.#hosts.push(this.#makeJoined(token));
  }

  /** The hosts, in the order in which they were added. */
  get hosts(): readonly ManagedHost[] {
    return this.#hosts;
  }

  /** The machines whose workers the pool itself starts, as far as connected. */
  get machines(): Host[] {
    return this.#hosts.flatMap((host) =>
      host instanceof WorkerSupervisor ? host.host ?? [] : []
    );
  }

  /** How the workers of all hosts are started. */
  get plans(): HostPlan[] {
    return this.#hosts.map((host) => this.#plans.get(host)!());
  }

  /**
   * Starts all workers and waits until they have connected.
   *
   * @throws {Error} If a worker can't be started or doesn't connect in time.
   * Call {@linkcode HostManager.stop} even then.
   */
  async start(): Promise<ConnectedWorker[]> {
    if (this.#stopping !== undefined) throw new PoolClosedError();
    const starts = this.#hosts.map((host) => this.#startHost(host));
    const workers = (await Promise.all(starts)).flat();
    // The workers run without it, so it doesn't matter if this fails.
    this.#bundling = this.#localWorkers.makeBundle(this.#stopped.signal)
      .catch(() => {});
    if (this.#hosts.some(({ error }) => error === undefined)) return workers;
    throw this.#hosts[0]?.error ?? new Error("There is no host");
  }

  /** Adds a host that has started nothing yet; the caller starts it. */
  add(settings: AnyHostSettings): ManagedHost {
    const host = this.#make(settings);
    this.#hosts.push(host);
    return host;
  }

  /** Removes a host, and ends everything that was started for it. */
  async remove(host: ManagedHost): Promise<void> {
    const index = this.#hosts.indexOf(host);
    if (index >= 0) this.#hosts.splice(index, 1);
    const stopping = host.stop();
    this.#leaving.add(stopping);
    try {
      await stopping;
    } finally {
      this.#leaving.delete(stopping);
    }
  }

  /** Prints a line about the pool. */
  report(line: string): void {
    this.#output.report("distex", line);
  }

  /** Kills all workers; {@linkcode HostManager.stop} ends the rest. */
  kill(): void {
    for (const host of this.#hosts) host.kill();
  }

  /** Ends everything that was started, and waits until it has ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#stopped.abort();
    this.#resources?.stopListening();
    await Promise.all([
      ...this.#hosts.map((host) => host.stop()),
      ...this.#leaving,
    ]);
    await this.#bundling;
    await this.#resources?.close();
  }

  async #startHost(host: ManagedHost): Promise<ConnectedWorker[]> {
    const { onHostError } = this.#settings;
    try {
      return await host.start();
    } catch (error) {
      if (onHostError === "fail" || this.#stopping !== undefined) throw error;
      this.report(`Continuing without a host. ${(error as Error).message}`);
      await host.stop();
      return [];
    }
  }

  /** What the hosts share; made when the first host starts. */
  // deno-lint-ignore require-await
  async #services(): Promise<PoolServices> {
    if (this.#stopping !== undefined) throw new PoolClosedError();
    this.#resources ??= new PoolResources(
      this.#settings,
      this.#pendingConnections,
      this.#agentGroups,
      this.#output,
    );
    return this.#resources.services;
  }

  #makeLocal(): ManagedHost {
    if (this.#settings.isInline) return this.#makeInline();
    return this.#supervise(() => planLocal(this.#settings), {
      name: "local",
      kind: "local",
      workers: this.#settings.workers,
      scaling: this.#settings.scaling,
      place: placeOf(this.#settings),
      makeHost: () => this.#localWorkers.makeHost(() => this.#services()),
    });
  }

  #makeInline(): ManagedHost {
    return this.#supervise(planInline, {
      name: "local",
      kind: "inline",
      workers: 1,
      place: placeOf(this.#settings),
      // Only such pools load the worker's code into the program.
      makeHost: async () => {
        const { InlineHost } = await import("../inline/inline_host.ts");
        return new InlineHost(this.#settings, this.#pendingConnections);
      },
    });
  }

  #make(host: AnyHostSettings): ManagedHost {
    if ("launcher" in host) {
      const fleet = makeLaunchedFleet(
        host,
        this.#settings,
        this.#agentGroups,
        this.#fleetParts,
      );
      return this.#planned(fleet, () => fleet.plan());
    }
    return this.#supervise(() => planRemote(host, this.#settings), {
      name: host.name,
      kind: host.kind,
      workers: host.workers,
      scaling: host.scaling,
      place: placeOf(host),
      login: loginOf(host),
      makeHost: async () =>
        makeRemoteHost(host, this.#settings, await this.#services()),
    });
  }

  #makeJoined(token: string): ManagedHost {
    const fleet = makeJoinedFleet(
      token,
      this.#settings,
      this.#agentGroups,
      this.#fleetParts,
    );
    return this.#planned(fleet, () => fleet.plan());
  }

  get #fleetParts(): FleetParts {
    const { drain, idleTime, onChanged } = this.#events;
    return {
      services: () => this.#services(),
      supervision: this.#supervision,
      drain,
      idleTime,
      onChanged,
      report: (host, line) => this.#output.report(host, line),
    };
  }

  /** How the workers of all hosts are supervised. */
  get #supervision(): Supervision {
    const { maxRestarts, startTimeout, codec, inspect } = this.#settings;
    return {
      maxRestarts,
      startTimeout,
      startsAnyTime: inspect === "wait",
      codec,
      pendingConnections: this.#pendingConnections,
      onWorker: this.#events.onWorker,
      onName: (...named) => this.#output.name(...named),
      // Its complaints that the pool has gone help nobody.
      onCalledOff: (worker) => this.#output.mute(worker),
      onEnded: (worker) => this.#output.ended(worker),
    };
  }

  #supervise(
    plan: () => HostPlan,
    host: Pick<
      SupervisorOptions,
      | "name"
      | "kind"
      | "workers"
      | "scaling"
      | "place"
      | "login"
      | "makeHost"
    >,
  ): ManagedHost {
    const supervisor = new WorkerSupervisor({
      ...host,
      ...this.#supervision,
      onChanged: this.#events.onChanged,
      report: (line) => this.#output.report(host.name, line),
    });
    return this.#planned(supervisor, plan);
  }

  #planned(host: ManagedHost, plan: () => HostPlan): ManagedHost {
    this.#plans.set(host, plan);
    return host;
  }
}

/** Returns how ssh logs in to the machine of a host. */
function loginOf({ kind, username, hostname, port }: HostSettings): string {
  const user = username === undefined ? "" : `${username}@`;
  // The port of a spawner isn't that of an ssh server.
  const option = kind === "ssh" && port !== undefined ? `-p ${port} ` : "";
  return `${option}${user}${hostname}`;
}
