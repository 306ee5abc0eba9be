import type { PendingAgents } from "../managed_host.ts";

/** An agent that was asked for and hasn't ended. */
export interface RequestedAgent {
  readonly id: string;
  /** Its number among the agents of the host, for the restart policy. */
  readonly index: number;
  /** Whether it waits in the queue, runs, or is in use. */
  state: "pending" | "running" | "joined";
  /** Why it waits, in the words of the launcher. */
  reason: string;
  /** When it entered the state, in milliseconds. */
  since: number;
  /** How long it was in use, in milliseconds. */
  lived: number;
  /** How often in a row the launcher didn't know it. */
  missing: number;
}

/** Agents that run and haven't joined. */
export interface RunningAgents {
  /** How many there are. */
  readonly jobs: number;
  /** When the first of them began to run, in milliseconds. */
  readonly since: number;
}

/** The agents that were asked for and haven't ended, by id. */
export class RequestedAgents {
  readonly #agents = new Map<string, RequestedAgent>();
  readonly #now: () => number;
  #joined = 0;

  /**
   * Constructs it without agents.
   *
   * @param now Returns the time, in milliseconds.
   */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many there are. */
  get size(): number {
    return this.#agents.size;
  }

  /** The ids of all. */
  get ids(): string[] {
    return [...this.#agents.keys()];
  }

  /** How many of them haven't joined. */
  get waitingCount(): number {
    return this.#agents.size - this.#joined;
  }

  /** Those that haven't joined. */
  get waiting(): RequestedAgent[] {
    return [...this.#agents.values()]
      .filter(({ state }) => state !== "joined");
  }

  /** Those that wait in the launcher's queue, if any. */
  get pending(): PendingAgents | undefined {
    const reasons = this.waiting.filter(isPending).map(({ reason }) => reason);
    if (reasons.length === 0) return undefined;
    return { agents: reasons.length, reason: mostFrequent(reasons) };
  }

  /** Those that run and haven't joined, if any. */
  get running(): RunningAgents | undefined {
    const times = this.waiting.filter((agent) => !isPending(agent))
      .map(({ since }) => since);
    if (times.length === 0) return undefined;
    return { jobs: times.length, since: Math.min(...times) };
  }

  /** Adds an agent that was just asked for. */
  add(id: string, index: number): void {
    this.#agents.set(id, {
      id,
      index,
      state: "pending",
      reason: "",
      since: this.#now(),
      lived: 0,
      missing: 0,
    });
  }

  /** Returns an agent, if it is one of these. */
  get(id: string): RequestedAgent | undefined {
    return this.#agents.get(id);
  }

  /** Takes note of the state of an agent. */
  enter(id: string, state: RequestedAgent["state"], reason = ""): void {
    const agent = this.#agents.get(id);
    if (agent === undefined) return;
    if (agent.state !== state) agent.since = this.#now();
    if (agent.state === "joined") this.#joined--;
    if (state === "joined") this.#joined++;
    agent.state = state;
    agent.reason = reason;
    agent.missing = 0;
  }

  /** Removes an agent; returns whether it was one of these. */
  remove(id: string): boolean {
    if (this.#agents.get(id)?.state === "joined") this.#joined--;
    return this.#agents.delete(id);
  }

  /**
   * Removes up to `count` agents that haven't joined, those that wait in the
   * queue first; returns their ids.
   */
  removeWaiting(count: number): string[] {
    const ids = this.waiting
      .sort((one, other) => Number(isPending(other)) - Number(isPending(one)))
      .slice(0, count).map(({ id }) => id);
    for (const id of ids) this.#agents.delete(id);
    return ids;
  }
}

function isPending({ state }: RequestedAgent): boolean {
  return state === "pending";
}

/** Returns the text that occurs most often. */
function mostFrequent(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].reduce((most, next) => next[1] > most[1] ? next : most)[0];
}
