import type { AgentOffer } from "../../protocol/spawner_messages.ts";
import type {
  ScalingSettings,
  WorkerRange,
} from "../../options/worker_count.ts";
import type { HostPlan } from "../host_plan.ts";
import type { PendingAgents, StartingWorkers } from "../managed_host.ts";
import type { PoolServices } from "../pool_services.ts";
import type { AgentDoor } from "./agent_door.ts";
import { AgentJobs } from "./agent_jobs.ts";
import { AgentRequests } from "./agent_requests.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import type { AgentEnd, FleetAgent } from "./fleet_agent.ts";
import type { JobFolder } from "./job_folder.ts";
import type { Launcher } from "./launcher.ts";

/** How a launcher starts the agents of a fleet. */
export interface LaunchOptions {
  /** Starts and ends agents. */
  readonly launcher: Launcher;
  /** The folder for the files, if the agents' machines share it. */
  readonly folder: JobFolder | undefined;
  /** The path of `deno` there. */
  readonly deno: string;
  /** How many workers each agent starts. */
  readonly workersPerAgent: number;
  /** How the number of workers changes, if it does. */
  readonly scaling?: ScalingSettings;
}

/** The agents of one launcher. */
export class LaunchedFleet extends Fleet {
  /** How many workers it should have. */
  #target: number;
  readonly #launch: LaunchOptions;
  readonly #starting = new AbortController();
  #jobs: AgentJobs | undefined;
  #requests: AgentRequests | undefined;
  /** The agent of each job that has joined last. */
  readonly #current = new Map<string, FleetAgent>();
  #isKilled = false;
  #refusals = 0;

  /** Constructs a fleet without agents. */
  constructor(options: FleetOptions, launch: LaunchOptions) {
    super(options);
    this.#target = launch.scaling?.min ?? options.maxWorkers;
    this.#launch = launch;
  }

  get range(): Required<WorkerRange> | undefined {
    const { scaling } = this.#launch;
    return scaling && { ...scaling, max: this.options.maxWorkers };
  }

  get workers(): number {
    return this.#target;
  }

  get refusals(): number {
    return this.#refusals;
  }

  override get error(): Error | undefined {
    return this.#requests?.error ?? super.error;
  }

  get pending(): PendingAgents | undefined {
    return this.#requests?.pending;
  }

  override get starting(): StartingWorkers | undefined {
    const starting = super.starting;
    const running = this.#requests?.running;
    if (running === undefined) return starting;
    const { jobs, since: jobsSince } = running;
    const none = { workers: 0, since: undefined, next: undefined };
    return { ...(starting ?? none), jobs, jobsSince };
  }

  get expectsWorkers(): boolean {
    if (this.isStopped) return false;
    const requests = this.#requests;
    if (requests === undefined || requests.size > 0) return true;
    return this.range !== undefined && !requests.hasGivenUp;
  }

  plan(): HostPlan {
    const { name, kind, group, token, maxWorkers } = this.options;
    const { launcher, workersPerAgent } = this.#launch;
    const { door } = this;
    const jobs = new AgentJobs(
      { ...this.#launch, group, token, door },
      "(the pool's program)",
      undefined,
    );
    const agents = Math.ceil(maxWorkers / workersPerAgent);
    return {
      host: name,
      kind,
      note: "",
      ...launcher.plan(jobs.request(agents)),
    };
  }

  resize(workers: number): void {
    this.#target = workers;
    const requests = this.#requests;
    if (requests === undefined || this.isStopped) return;
    const { workersPerAgent } = this.#launch;
    const missing = this.#missingWorkers;
    if (missing > 0) {
      requests.ask(Math.ceil(missing / workersPerAgent)).then(
        () => this.problem = undefined,
        (error) => this.#refused(error),
      );
    } else requests.dropWaiting(Math.floor(-missing / workersPerAgent));
    if (workers === 0) this.leaveAll();
  }

  override kill(): void {
    this.#isKilled = true;
    this.#starting.abort();
    this.#requests?.abort();
    super.kill();
  }

  override stop(): Promise<void> {
    this.#starting.abort();
    this.#requests?.abort();
    return super.stop();
  }

  protected get expected(): number {
    return this.#requests?.expected ?? 0;
  }

  protected async begin(
    door: AgentDoor,
    services: PoolServices,
  ): Promise<void> {
    const { name, group, token, supervision, onChanged, report } = this.options;
    const { launcher } = this.#launch;
    const program = await services.agentProgram(this.#starting.signal);
    this.#jobs = new AgentJobs(
      { ...this.#launch, group, token, door },
      program,
      services.reaper,
    );
    await this.#jobs.write(name);
    this.#starting.signal.throwIfAborted();
    const { maxRestarts, startTimeout } = supervision;
    this.#requests = new AgentRequests({
      name,
      launcher,
      makeRequest: (agents) => this.#jobs!.request(agents),
      onAsked: (request) => this.#jobs!.asked(request),
      maxRestarts,
      startTimeout,
      onAgents: (agents) => this.#jobs!.agentsChanged(agents),
      onChanged,
      report: (line) => report(name, line),
    });
    const agents = Math.ceil(this.#target / this.#launch.workersPerAgent);
    if (agents > 0) await this.#requests.ask(agents);
  }

  protected override async arrived({ job }: AgentOffer): Promise<void> {
    await this.#requests?.settled(job);
  }

  protected refusalOf({ job, workers }: AgentOffer): string | undefined {
    if (job === undefined || !this.#requests?.has(job)) {
      return `the pool didn't ask for the job ${job ?? "(none)"}`;
    }
    const { workersPerAgent } = this.#launch;
    if (workers <= workersPerAgent) return undefined;
    return `the pool asked for ${workersPerAgent} workers, not for ${workers}`;
  }

  protected joined(agent: FleetAgent): void {
    const job = agent.offer.job!;
    // It may be back before the pool has noticed that it was lost.
    this.#current.get(job)?.end();
    this.#current.set(job, agent);
    this.#requests!.joined(job);
  }

  protected gone(agent: FleetAgent, end: AgentEnd): void {
    const { offer, joinedAt } = agent;
    const job = offer.job!;
    // It was back already, and may even be gone again.
    if (this.#current.get(job) !== agent) return;
    this.#current.delete(job);
    const requests = this.#requests!;
    // One that is gone counts as one that waits.
    const isWanted = this.#missingWorkers > -this.#launch.workersPerAgent;
    const lived = performance.now() - joinedAt;
    if (end.kind === "released" || !isWanted) requests.drop(job);
    else if (end.kind === "refused") requests.giveUp(job, end.error);
    else if (end.kind === "failed") {
      requests.replace(job, lived, end.error.message);
    } else requests.left(job, lived);
  }

  protected async end(): Promise<void> {
    try {
      await this.#requests?.stop(this.#isKilled);
    } finally {
      await this.#jobs?.remove();
    }
  }

  /** How many workers must be asked for; below 0, how many are too many. */
  get #missingWorkers(): number {
    const { workersPerAgent } = this.#launch;
    const waiting = this.#requests!.size - this.#current.size;
    return this.#target - this.joinedWorkers - waiting * workersPerAgent;
  }

  #refused(error: Error): void {
    if (this.isStopped) return;
    this.problem = error;
    this.#refusals++;
    this.#target -= Math.max(0, this.#missingWorkers);
    this.options.report(this.name, error.message);
    this.options.onChanged();
  }
}
