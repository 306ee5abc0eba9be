import { PoolClosedError } from "../../errors/pool_closed_error.ts";
import { parsePlace, type WorkerPlace } from "../../options/place.ts";
import type {
  AgentOffer,
  SessionRequest,
} from "../../protocol/spawner_messages.ts";
import type { WorkerProcess } from "../../spawner/worker_process.ts";
import { formatAddress } from "../../transport/address.ts";
import type { Channel } from "../../transport/channel.ts";
import { withinLimit } from "../../util/within_limit.ts";
import type { AgentGroups } from "../agent_groups.ts";
import type { HostKind } from "../host.ts";
import type { HostPlan } from "../host_plan.ts";
import type {
  ConnectedWorker,
  ManagedHost,
  PendingAgents,
  StartingWorkers,
} from "../managed_host.ts";
import type { PoolServices } from "../pool_services.ts";
import { RemoteAgent } from "../remote/remote_agent.ts";
import type { WorkerRequest } from "../remote/connector.ts";
import {
  type AgentDoor,
  type DoorSettings,
  openDoor,
  planDoor,
} from "./agent_door.ts";
import { type AgentEnd, FleetAgent, type Supervision } from "./fleet_agent.ts";

/** How long an admitted agent may take to make its offer, in milliseconds. */
const OFFER_TIMEOUT = 10_000;

/** The longest name of an agent in messages. */
const MAX_NAME = 64;

/** The settings of a fleet, and its callbacks. */
export interface FleetOptions {
  /** The name of the host. */
  readonly name: string;
  /** How its agents are started. */
  readonly kind: HostKind;
  /** The number of its agents' group. */
  readonly group: number;
  /** The token of the group. */
  readonly token: string;
  /** The largest number of workers. */
  readonly maxWorkers: number;
  /** Where the pool listens for its agents. */
  readonly listen: DoorSettings;
  /** How its workers are started. */
  readonly request: WorkerRequest;
  /** The labels and amounts of each machine, besides those that agents offer. */
  readonly place: WorkerPlace;
  /** The agents of the pool. */
  readonly groups: AgentGroups;
  /** Returns what the hosts of the pool share. */
  readonly services: () => Promise<PoolServices>;
  /** How workers are supervised. */
  readonly supervision: Supervision;
  /** Takes back what workers haven't begun, and waits until they are idle. */
  readonly drain: (workers: Iterable<WorkerProcess>) => Promise<void>;
  /** Returns how long all of some workers have had no calls, in milliseconds. */
  readonly idleTime: (workers: Iterable<WorkerProcess>) => number;
  /** Called when no more workers are expected. */
  readonly onChanged: () => void;
  /** Prints a line about the host. */
  readonly report: (host: string, line: string) => void;
}

/**
 * The agents of one token, on machines that join and leave. Each brings workers
 * of its own.
 */
export abstract class Fleet implements ManagedHost {
  /** Never: what it waits for are agents. */
  readonly lostSince: number | undefined = undefined;

  /** The settings. */
  protected readonly options: FleetOptions;
  /** The agents that have joined. */
  protected readonly agents: Set<FleetAgent> = new Set();
  #door: AgentDoor | undefined;
  #services: PoolServices | undefined;
  readonly #arriving = new Set<RemoteAgent>();
  /** The agents whose ends aren't complete. */
  readonly #serving = new Set<Promise<void>>();
  /** How many workers agents have lost that are gone. */
  #lostBefore = 0;
  #error: Error | undefined;
  #isStopped = false;
  #starting: Promise<unknown> | undefined;
  #stopping: Promise<void> | undefined;

  /** Constructs a fleet without agents. */
  constructor(options: FleetOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  get kind(): HostKind {
    return this.options.kind;
  }

  get place(): WorkerPlace {
    return this.options.place;
  }

  abstract get workers(): number;
  abstract get pending(): PendingAgents | undefined;
  abstract get expectsWorkers(): boolean;

  get error(): Error | undefined {
    return this.#error;
  }

  get lostWorkers(): number {
    let lost = this.#lostBefore;
    for (const agent of this.agents) lost += agent.lostWorkers;
    return lost;
  }

  get starting(): StartingWorkers | undefined {
    const starts = [...this.agents].flatMap(({ starting }) => starting ?? []);
    return starts.length === 0 ? undefined : starts.reduce((one, other) => ({
      workers: one.workers + other.workers,
      since: least(one.since, other.since),
      next: least(one.next, other.next),
    }));
  }

  async start(): Promise<ConnectedWorker[]> {
    const starting = this.#start();
    this.#starting = starting.catch((error) => this.#error = error);
    await starting;
    return [];
  }

  /** See {@linkcode Pool.dryRun}. */
  abstract plan(): HostPlan;

  abstract resize(workers: number): void;

  replace(worker: WorkerProcess): void {
    for (const agent of this.agents) {
      if (agent.workers.has(worker)) return agent.replace(worker);
    }
  }

  release(worker: WorkerProcess): void {
    for (const agent of this.agents) {
      if (agent.workers.has(worker)) return agent.release(worker);
    }
  }

  kill(): void {
    this.#isStopped = true;
    for (const agent of this.agents) agent.kill();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Whether {@linkcode Fleet.stop} or {@linkcode Fleet.kill} was called. */
  protected get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The address for agents; until the pool listens, as far as it is known. */
  protected get door(): AgentDoor {
    const { name, listen } = this.options;
    return this.#door ?? planDoor(name, listen);
  }

  /** How many workers the agents should have that have joined. */
  protected get joinedWorkers(): number {
    let workers = 0;
    for (const { wanted } of this.agents) workers += wanted;
    return workers;
  }

  /** Lets all agents go once their workers have finished what they run. */
  protected leaveAll(): void {
    for (const agent of this.agents) agent.leave();
  }

  /** Sets why the host isn't in use, if it isn't. */
  protected set problem(error: Error | undefined) {
    this.#error = error;
  }

  /** Asks for agents, once they can connect. */
  protected abstract begin(
    door: AgentDoor,
    services: PoolServices,
  ): Promise<void>;
  /** Returns how many agents are about to connect. */
  protected abstract get expected(): number;
  /** Waits until it is known whether an agent is taken. */
  protected arrived(_offer: AgentOffer): Promise<void> {
    return Promise.resolve();
  }
  /** Returns why an agent isn't taken, if so. */
  protected abstract refusalOf(offer: AgentOffer): string | undefined;
  /** Takes note of an agent that has joined. */
  protected abstract joined(agent: FleetAgent): void;
  /** Takes note of an agent that is gone. */
  protected abstract gone(agent: FleetAgent, end: AgentEnd): void;
  /** Ends the agents that haven't joined, once the others have ended. */
  protected abstract end(): Promise<void>;

  async #start(): Promise<void> {
    const { name, group, token, groups, listen, services } = this.options;
    this.#services = await services();
    this.#door = await openDoor(name, listen, this.#services);
    await groups.add(group, token, {
      onAgent: (channel, secret) => this.#admit(channel, secret),
      expected: () => this.expected,
    });
    if (this.#isStopped) throw new PoolClosedError();
    await this.begin(this.#door, this.#services);
  }

  async #stop(): Promise<void> {
    const { group, groups } = this.options;
    this.#isStopped = true;
    groups.remove(group);
    for (const remote of this.#arriving) remote.close();
    for (const agent of this.agents) agent.end();
    await this.#starting;
    await Promise.all(this.#serving);
    await this.end();
  }

  async #admit(
    channel: Channel,
    secret: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const { onOutput, heartbeatTimeout, admit } = this.#services!;
    const remote = new RemoteAgent(
      channel,
      onOutput,
      heartbeatTimeout,
      this.options.request.fanout ? admit : undefined,
    );
    this.#arriving.add(remote);
    try {
      const offer = await withinLimit(remote.offer, OFFER_TIMEOUT);
      await this.arrived(offer);
      const refusal = this.#isStopped
        ? "the pool is ending"
        : this.refusalOf(offer);
      if (refusal === undefined) this.#serve(remote, offer, secret);
      else await remote.refuse(refusal);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) {
        await remote.refuse(error.message);
      } else remote.close();
    } finally {
      this.#arriving.delete(remote);
    }
  }

  #serve(
    remote: RemoteAgent,
    offer: AgentOffer,
    secret: Uint8Array<ArrayBuffer>,
  ): void {
    const { supervision, drain, idleTime, report } = this.options;
    const name = this.#nameFor(offer);
    const agent = new FleetAgent({
      name,
      owner: this,
      remote,
      offer,
      secret,
      request: this.#sessionRequest(),
      place: this.#placeOf(offer),
      supervision,
      drain,
      idleTime,
      report: (line) => report(name, line),
    });
    this.#error = undefined;
    this.agents.add(agent);
    this.joined(agent);
    const serving = this.#serveToEnd(agent);
    this.#serving.add(serving);
    serving.then(() => this.#serving.delete(serving));
  }

  async #serveToEnd(agent: FleetAgent): Promise<void> {
    const end = await agent.serve();
    this.agents.delete(agent);
    this.#lostBefore += agent.lostWorkers;
    if (this.#isStopped) return;
    const { report, onChanged } = this.options;
    if (end.kind === "lost") {
      report(agent.name, `was lost: ${end.error.message}`);
    }
    if (end.kind === "failed" || end.kind === "refused") {
      this.#error = end.error;
      report(agent.name, end.error.message);
    }
    this.gone(agent, end);
    onChanged();
  }

  /** Returns a name for an agent that no other has. */
  #nameFor({ name }: AgentOffer): string {
    const plain = name.replace(/\p{Cc}/gu, "").slice(0, MAX_NAME);
    const base = `${this.name}/${plain}`;
    const taken = new Set([...this.agents].map(({ name }) => name));
    for (let number = 1;; number++) {
      const unique = number === 1 ? base : `${base}-${number}`;
      if (!taken.has(unique)) return unique;
    }
  }

  #placeOf({ labels, resources }: AgentOffer): WorkerPlace {
    const { place } = this.options;
    return parsePlace({
      labels: { ...place.labels, ...labels },
      resources: { ...place.resources, ...resources },
    });
  }

  #sessionRequest(): SessionRequest {
    const { address, certificate } = this.#door!;
    return {
      ...this.options.request,
      // Workers connect where their agent did.
      address: formatAddress({ ...address, hostname: "" }),
      ...(certificate === undefined ? {} : { certificate }),
    };
  }
}

/** Returns the earlier one of two times, if there is any. */
function least(
  one: number | undefined,
  other: number | undefined,
): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
