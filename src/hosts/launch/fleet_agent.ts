import { HostError } from "../../errors/host_error.ts";
import type {
  AgentOffer,
  SessionRequest,
} from "../../protocol/spawner_messages.ts";
import type { WorkerProcess } from "../../spawner/worker_process.ts";
import { LONGEST_DELAY } from "../../util/keep_alive.ts";
import { pause } from "../../util/pause.ts";
import type { WorkerPlace } from "../../options/place.ts";
import type {
  ConnectedWorker,
  ManagedHost,
  StartingWorkers,
} from "../managed_host.ts";
import type { RemoteAgent } from "../remote/remote_agent.ts";
import type { SupervisorOptions } from "../supervisor_options.ts";
import { WorkerSupervisor } from "../worker_supervisor.ts";
import { AgentHost } from "./agent_host.ts";

/** How an agent was taken out of use. */
export type AgentEnd =
  /** Its connection has ended. */
  | { readonly kind: "lost"; readonly error: Error }
  /** Its workers don't start, or end too often. */
  | { readonly kind: "failed"; readonly error: Error }
  /** The initializer fails in its workers, as it would in those of others. */
  | { readonly kind: "refused"; readonly error: Error }
  /** It wanted to leave, and its workers have finished what they ran. */
  | { readonly kind: "left" }
  /** All of its workers were released, or the pool lets it go. */
  | { readonly kind: "released" };

/** The settings of supervisors that are the same for all agents. */
export type Supervision = Pick<
  SupervisorOptions,
  | "maxRestarts"
  | "startTimeout"
  | "startsAnyTime"
  | "codec"
  | "pendingConnections"
  | "onName"
  | "onCalledOff"
  | "onEnded"
  | "onWorker"
>;

/** What an agent of a fleet needs. */
export interface FleetAgentParts {
  /** The name of the agent in messages. */
  readonly name: string;
  /** The fleet. */
  readonly owner: ManagedHost;
  /** The connection to the agent. */
  readonly remote: RemoteAgent;
  /** What the agent has offered. */
  readonly offer: AgentOffer;
  /** The secret of its workers. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** How its workers are started. */
  readonly request: SessionRequest;
  /** The labels and amounts of its machine. */
  readonly place: WorkerPlace;
  /** How its workers are supervised. */
  readonly supervision: Supervision;
  /** Takes back what workers haven't begun, and waits until they are idle. */
  readonly drain: (workers: Iterable<WorkerProcess>) => Promise<void>;
  /** Returns how long all of some workers have had no calls, in milliseconds. */
  readonly idleTime: (workers: Iterable<WorkerProcess>) => number;
  /** Prints a line about the agent. */
  readonly report: (line: string) => void;
}

/** An agent that has joined a fleet, and its workers. */
export class FleetAgent {
  /** The connected workers. */
  readonly workers: Set<WorkerProcess> = new Set();
  /** When it joined (`performance.now()`). */
  readonly joinedAt: number = performance.now();

  readonly #parts: FleetAgentParts;
  readonly #supervisor: WorkerSupervisor;
  readonly #ended = Promise.withResolvers<AgentEnd>();
  /** How many of its workers weren't released. */
  #wanted: number;
  /** Whether it gets no more workers. */
  #isLeaving = false;
  /** The workers that have given their place to others. */
  readonly #replaced = new WeakSet<WorkerProcess>();
  readonly #over = new AbortController();

  /** Constructs it; {@linkcode FleetAgent.serve} starts the workers. */
  constructor(parts: FleetAgentParts) {
    const { name, owner, remote, offer, secret, request, place, report } =
      parts;
    this.#parts = parts;
    this.#wanted = offer.workers;
    this.#supervisor = new WorkerSupervisor({
      ...parts.supervision,
      name,
      kind: owner.kind,
      owner,
      place,
      login: offer.name,
      workers: offer.workers,
      makeHost: () =>
        new AgentHost(
          name,
          owner.kind,
          secret,
          remote,
          offer.workers,
          request,
        ),
      onWorker: (worker) => this.#use(worker),
      onChanged: () => this.#changed(),
      // An agent that comes back is another one.
      onHostLost: () => {},
      report,
    });
    remote.closed.then((cause) =>
      this.#ended.resolve({
        kind: "lost",
        error: new Error(`its connection ended (${cause ?? "closed"})`),
      })
    );
    remote.leaving.then(() => this.leave());
  }

  /** Its name in messages. */
  get name(): string {
    return this.#parts.name;
  }

  /** What it has offered. */
  get offer(): AgentOffer {
    return this.#parts.offer;
  }

  /** How many workers it should have. */
  get wanted(): number {
    return this.#isLeaving ? 0 : this.#wanted;
  }

  /** The workers that it starts now, if any. */
  get starting(): StartingWorkers | undefined {
    return this.#supervisor.starting;
  }

  /** How many of its workers were lost so far. */
  get lostWorkers(): number {
    return this.#supervisor.lostWorkers;
  }

  /**
   * Starts its workers, and keeps them in use until the agent ends.
   *
   * @returns How it ended, once its workers have ended.
   */
  async serve(): Promise<AgentEnd> {
    const starting = this.#start();
    const end = await this.#ended.promise;
    this.#over.abort();
    await this.#supervisor.stop();
    await starting;
    return end;
  }

  /** Lets it go once its workers have finished what they run. */
  async leave(): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#supervisor.resize(0);
    await this.#parts.drain(this.workers);
    this.#ended.resolve({ kind: "left" });
  }

  /** Starts another worker in place of one that gets no more calls. */
  replace(worker: WorkerProcess): void {
    this.#replaced.add(worker);
    this.#supervisor.replace(worker);
  }

  /** Ends a worker that was drained. */
  release(worker: WorkerProcess): void {
    if (this.#replaced.has(worker)) return this.#supervisor.release(worker);
    this.#wanted--;
    if (!this.#isLeaving) this.#supervisor.resize(this.#wanted);
    this.#supervisor.release(worker);
    if (this.#wanted === 0) this.end();
  }

  /** Kills its workers. */
  kill(): void {
    this.#supervisor.kill();
  }

  /** Ends its workers, then the agent itself. */
  end(): void {
    this.#isLeaving = true;
    this.#ended.resolve({ kind: "released" });
  }

  async #start(): Promise<void> {
    let workers: ConnectedWorker[];
    try {
      workers = await this.#supervisor.start();
    } catch (error) {
      // If the agent is lost, its connection ends a little later.
      return this.#ended.resolve({ kind: "failed", error: error as Error });
    }
    await Promise.all(workers.map((worker) => this.#use(worker)));
    const refusals = workers.flatMap(({ process }) => process.refusal ?? []);
    // The next ones would be refused too.
    const [refusal] = refusals;
    if (refusal !== undefined && refusals.length === workers.length) {
      this.#refused(refusal);
    } else await this.#leaveWhenIdle();
  }

  /** Lets the agent go once its workers were idle for as long as it offered. */
  async #leaveWhenIdle(): Promise<void> {
    const { offer: { maxIdle }, idleTime } = this.#parts;
    if (maxIdle === undefined) return;
    const { signal } = this.#over;
    try {
      const idle = () => this.workers.size === 0 ? 0 : idleTime(this.workers);
      for (let left: number; (left = maxIdle - idle()) > 0;) {
        await pause(Math.min(left + 1, LONGEST_DELAY), signal);
      }
      await this.leave();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #refused(refusal: string): void {
    const { name } = this.#parts;
    const message =
      `The workers of the agent ${name} can't be used: ${refusal}`;
    const error = new HostError(name, "worker", message);
    this.#ended.resolve({ kind: "refused", error });
  }

  async #use(worker: ConnectedWorker): Promise<void> {
    const { process } = worker;
    this.workers.add(process);
    process.ended.then(() => {
      this.workers.delete(process);
      this.#changed();
    });
    await this.#parts.supervision.onWorker(worker);
  }

  /** Ends the agent if its workers aren't replaced any more. */
  #changed(): void {
    const { error } = this.#supervisor;
    if (error === undefined || this.workers.size > 0) return;
    this.#ended.resolve({ kind: "failed", error });
  }
}
