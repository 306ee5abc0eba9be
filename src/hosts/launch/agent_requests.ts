import { HostError } from "../../errors/host_error.ts";
import { pause } from "../../util/pause.ts";
import type { PendingAgents } from "../managed_host.ts";
import { RestartPolicy } from "../restart_policy.ts";
import { allEnded } from "./all_ended.ts";
import type { AgentState, Launcher, LaunchRequest } from "./launcher.ts";
import { PendingReport } from "./pending_report.ts";
import { RepeatedQuery } from "./repeated_query.ts";
import {
  type RequestedAgent,
  RequestedAgents,
  type RunningAgents,
} from "./requested_agents.ts";

/**
 * How often in a row the launcher must not know an agent until the agent counts
 * as ended: the launcher may not know it yet.
 */
const MISSING_POLLS = 2;

/** The settings of requests, and their callbacks. */
export interface AgentRequestsOptions {
  /** The name of the host. */
  readonly name: string;
  /** Starts the agents. */
  readonly launcher: Launcher;
  /** Makes a request for some agents. */
  readonly makeRequest: (agents: number) => LaunchRequest;
  /** Called when a request is over. */
  readonly onAsked: (request: LaunchRequest) => void;
  /** How many ends a minute are made up for, for each agent on average. */
  readonly maxRestarts: number;
  /** How long an agent that runs may take to join, in milliseconds. */
  readonly startTimeout: number;
  /** Called when the agents to cancel at the end of the program change. */
  readonly onAgents: (agents: readonly string[]) => void;
  /** Called when no more agents are expected. */
  readonly onChanged: () => void;
  /** Prints a line about the host. */
  readonly report: (line: string) => void;
  /**
   * Returns the time, in milliseconds.
   *
   * @default {() => performance.now()}
   */
  readonly now?: () => number;
}

/** An agent that has ended although it was wanted. */
interface EndedAgent {
  readonly agent: RequestedAgent;
  /** Why, in the words of the launcher. */
  readonly reason: string;
}

/**
 * The agents that a launcher was asked for: asks after those that haven't
 * joined, and asks for those again that have ended.
 */
export class AgentRequests {
  /** Why agents aren't asked for any more, or can't be now. */
  error: Error | undefined;

  readonly #options: AgentRequestsOptions;
  readonly #agents: RequestedAgents;
  readonly #now: () => number;
  readonly #stopped = new AbortController();
  readonly #policy: RestartPolicy;
  #nextIndex = 0;
  /** How many agents are about to be asked for. */
  #due = 0;
  /** How many of these aren't wanted any more. */
  #calledOff = 0;
  #givenUp = false;
  readonly #queries: RepeatedQuery;
  readonly #report: PendingReport;
  /** The requests in progress. */
  readonly #asking = new Set<Promise<void>>();
  /** The cancellations in progress. */
  readonly #cancelling = new Set<Promise<void>>();

  /** Constructs it without agents. */
  constructor(options: AgentRequestsOptions) {
    this.#options = options;
    const { maxRestarts, now = () => performance.now() } = options;
    this.#now = now;
    this.#report = new PendingReport(options.report);
    this.#queries = new RepeatedQuery({
      isNeeded: () => this.#agents.waitingCount > 0,
      query: (signal) => this.#query(signal),
      signal: this.#stopped.signal,
    });
    this.#agents = new RequestedAgents(now);
    this.#policy = new RestartPolicy(maxRestarts, now);
  }

  /** How many agents were asked for or are about to be, and haven't ended. */
  get size(): number {
    return this.#agents.size + this.#due - this.#calledOff;
  }

  /** Whether agents that have ended aren't asked for again. */
  get hasGivenUp(): boolean {
    return this.#givenUp;
  }

  /** How many agents run, or may run, and haven't joined. */
  get expected(): number {
    return this.#agents.waitingCount;
  }

  /** The agents that wait in the launcher's queue, if any. */
  get pending(): PendingAgents | undefined {
    return this.#agents.pending;
  }

  /** The agents that run and haven't joined, if any. */
  get running(): RunningAgents | undefined {
    return this.#agents.running;
  }

  /**
   * Asks for more agents, all in one request.
   *
   * @throws {HostError} If the launcher refuses.
   */
  async ask(count: number): Promise<void> {
    const indices = Array.from({ length: count }, () => this.#nextIndex++);
    this.#due += count;
    try {
      await this.#ask(indices);
    } catch (error) {
      this.#asked(count);
      throw error;
    }
    this.#givenUp = false;
    this.error = undefined;
  }

  /** Returns whether an agent was asked for and hasn't ended. */
  has(id: string | undefined): boolean {
    return id !== undefined && this.#agents.get(id) !== undefined;
  }

  /**
   * Waits for the requests in progress if an agent isn't known: it may have
   * started before the launcher has returned its id.
   */
  async settled(id: string | undefined): Promise<void> {
    if (!this.has(id)) await Promise.all(this.#asking);
  }

  /** Notes that an agent has joined. */
  joined(id: string): void {
    this.#agents.enter(id, "joined");
  }

  /**
   * Notes that an agent is gone: its job may end, wait in the queue again, or
   * run and come back.
   *
   * @param lived How long it was in use, in milliseconds.
   */
  left(id: string, lived: number): void {
    this.#agents.enter(id, "running");
    const agent = this.#agents.get(id);
    if (agent === undefined) return;
    agent.lived = lived;
    this.#queries.soon();
  }

  /** Ends an agent, and asks for no other. */
  drop(id: string): void {
    if (this.#agents.remove(id)) this.#cancel([id]);
  }

  /**
   * Ends an agent whose workers don't start, and asks for another.
   *
   * @param lived How long it was in use, in milliseconds.
   */
  replace(id: string, lived: number, reason: string): void {
    const agent = this.#agents.get(id);
    if (agent === undefined) return;
    agent.lived = lived;
    this.#cancel([id]);
    this.#restart([{ agent, reason }]);
  }

  /** Ends an agent whose workers can't be used, as those of others. */
  giveUp(id: string, error: Error): void {
    this.error = error;
    this.drop(id);
    if (this.size === 0) this.#giveUp(error);
  }

  /** Ends up to `count` agents that haven't joined. */
  dropWaiting(count: number): void {
    const due = Math.min(count, this.#due - this.#calledOff);
    this.#calledOff += due;
    const ids = this.#agents.removeWaiting(count - due);
    if (ids.length > 0) this.#cancel(ids);
    this.#checkLast();
  }

  /** Asks for no more agents, and cancels requests in progress. */
  abort(): void {
    this.#stopped.abort();
  }

  /**
   * Ends all agents, and waits until that is done. Those that have joined should
   * end by themselves, as their connections were closed.
   *
   * @param atOnce Whether they aren't given time for that.
   * @throws {HostError} If the launcher can't be asked now.
   */
  async stop(atOnce: boolean): Promise<void> {
    this.abort();
    await Promise.all(this.#asking);
    const { launcher, onAgents } = this.#options;
    const failures: unknown[] = [];
    const end = async (ids: readonly string[]) => {
      if (ids.length === 0) return;
      await launcher.cancel(ids).catch((error) => failures.push(error));
    };
    const waiting = end(this.#agents.removeWaiting(Infinity));
    if (!atOnce) await allEnded(this.#agents, launcher, this.#now);
    await Promise.all([
      waiting,
      end(this.#agents.ids),
      ...this.#cancelling,
    ]);
    await launcher.close?.();
    // If this has failed, the reaper tries again.
    if (failures.length > 0) throw failures[0];
    onAgents([]);
  }

  /** Asks for agents that are due; if it throws, they still are. */
  async #ask(indices: readonly number[]): Promise<void> {
    const asking = this.#submit(indices);
    const settled = asking.catch(() => {});
    this.#asking.add(settled);
    settled.then(() => this.#asking.delete(settled));
    await asking;
  }

  async #submit(indices: readonly number[]): Promise<void> {
    const { makeRequest, onAsked } = this.#options;
    const request = makeRequest(indices.length);
    try {
      await this.#send(request, indices);
    } finally {
      onAsked(request);
    }
    this.#queries.soon();
  }

  async #send(
    request: LaunchRequest,
    indices: readonly number[],
  ): Promise<void> {
    const { launcher } = this.#options;
    const ids = await launcher.submit(request, this.#stopped.signal);
    ids.forEach((id, at) => this.#agents.add(id, indices[at]!));
    const calledOff = ids.slice(ids.length - this.#asked(indices.length));
    for (const id of calledOff) this.#agents.remove(id);
    if (calledOff.length > 0) this.#cancel(calledOff);
    this.#agentsChanged();
  }

  /** Takes agents from those that are due; returns how many were called off. */
  #asked(count: number): number {
    const calledOff = Math.min(this.#calledOff, count);
    this.#calledOff -= calledOff;
    this.#due -= count;
    return calledOff;
  }

  async #query(signal: AbortSignal): Promise<void> {
    const { launcher, report } = this.#options;
    const ids = this.#agents.waiting.map(({ id }) => id);
    if (ids.length === 0) return;
    let states: ReadonlyMap<string, AgentState>;
    try {
      states = await launcher.query(ids, signal);
    } catch (error) {
      signal.throwIfAborted();
      const { message } = error as Error;
      if (this.error?.message !== message) report(message);
      this.error = error as Error;
      return;
    }
    signal.throwIfAborted();
    if (!this.#givenUp) this.error = undefined;
    const ended = ids.flatMap((id) => this.#note(id, states.get(id)) ?? []);
    this.#report.update(this.pending, !this.#queries.isSlow);
    if (ended.length > 0) await this.#restart(ended);
  }

  /** Takes note of an agent's state; returns the agent if it has ended. */
  #note(id: string, state: AgentState | undefined): EndedAgent | undefined {
    const agent = this.#agents.get(id);
    // It may have joined meanwhile.
    if (agent === undefined || agent.state === "joined") return undefined;
    if (state === undefined) {
      if (++agent.missing < MISSING_POLLS) return undefined;
      return { agent, reason: "its launcher doesn't know it any more" };
    }
    if (state.state === "ended") return { agent, reason: state.reason };
    this.#agents.enter(id, state.state, state.reason);
    const { startTimeout } = this.#options;
    const waited = this.#now() - agent.since;
    if (agent.state === "pending" || waited <= startTimeout) return undefined;
    this.#cancel([id]);
    return {
      agent,
      reason:
        `it hasn't reached the pool within the 'startTimeout' of ${startTimeout} ms: can its machine connect to this one? See the pool's option 'listen'`,
    };
  }

  /** Asks for agents again that have ended, after a pause. */
  async #restart(ended: readonly EndedAgent[]): Promise<void> {
    const { size } = this;
    const waits = ended.map(({ agent: { index, lived } }) =>
      this.#policy.lost(index, lived, size)
    );
    const isOver = this.#givenUp || waits.includes(undefined);
    const error = isOver ? await this.#explain(ended.at(-1)!) : undefined;
    for (const { agent: { id } } of ended) this.#agents.remove(id);
    this.#agentsChanged();
    if (this.#givenUp) return this.#checkLast();
    if (error !== undefined) return this.#giveUp(error);
    const longest = Math.max(...waits as number[]);
    this.#askLater(ended.map(({ agent: { index } }) => index), longest);
  }

  async #askLater(indices: readonly number[], wait: number): Promise<void> {
    const { signal } = this.#stopped;
    let wanted = indices;
    this.#due += wanted.length;
    try {
      await pause(wait, signal);
      const calledOff = this.#asked(indices.length);
      wanted = indices.slice(calledOff);
      this.#due += wanted.length;
      if (wanted.length > 0) await this.#ask(wanted);
    } catch (error) {
      if (!signal.aborted) this.#refused(wanted, error as Error);
    }
  }

  /** Tries again later to ask for agents that the launcher has refused. */
  #refused(indices: readonly number[], error: Error): void {
    const wanted = indices.slice(this.#asked(indices.length));
    if (wanted.length === 0) return this.#checkLast();
    this.error = error;
    const size = this.size + wanted.length;
    const waits = wanted.map((index) => this.#policy.lost(index, 0, size));
    if (waits.includes(undefined)) return this.#giveUp(error);
    this.#options.report(`${error.message}; trying again`);
    this.#askLater(wanted, Math.max(...waits as number[]));
  }

  #giveUp(error: Error): void {
    this.#givenUp = true;
    this.error = error;
    this.#options.report(error.message);
    this.#options.onChanged();
  }

  /** Reports that no agent is left, if none is asked for again. */
  #checkLast(): void {
    if (this.#givenUp && this.size === 0) this.#options.onChanged();
  }

  async #explain({ agent, reason }: EndedAgent): Promise<HostError> {
    const { name, launcher } = this.#options;
    const output = (await launcher.output(agent.id).catch(() => "")).trim();
    const hint = launcher.sharesFiles
      ? `; it printed nothing: its machine must share the folder ${launcher.folder} with this one (the host's option 'folder')`
      : "";
    const tail = output === "" ? hint : `; its output ended with:\n${output}`;
    return new HostError(
      name,
      "worker",
      `Too many jobs of the host ${name} have ended within a minute, and they aren't started again; the last one was ${agent.id}${
        reason === "" ? "" : `: ${reason}`
      }${tail}`,
    );
  }

  #agentsChanged(): void {
    this.#options.onAgents(this.#agents.ids);
  }

  /** Cancels agents; if that fails, they end when they can't join. */
  #cancel(ids: readonly string[]): void {
    const { launcher, report } = this.#options;
    this.#agentsChanged();
    const cancelling = launcher.cancel(ids)
      .catch((error) => report((error as Error).message));
    this.#cancelling.add(cancelling);
    cancelling.then(() => this.#cancelling.delete(cancelling));
  }
}
