/**
 * Pools that take workers which join by themselves.
 *
 * @module
 */

import { Pool, type PoolOptions } from "../../mod.ts";
import { AgentProcess } from "./agent_process.ts";
import { until } from "./processes.ts";

/** The token of agents. */
export const JOIN_TOKEN = "a token for workers that join";

/** A pool without workers of its own, and agents that join it. */
export class JoinedPool implements AsyncDisposable {
  /** The pool. */
  readonly pool: Pool;
  readonly #port: number;
  readonly #agents: AgentProcess[] = [];

  /** Starts the pool. */
  constructor(options: PoolOptions = {}) {
    this.#port = freePort();
    const { listen, ...others } = options;
    this.pool = new Pool({
      workers: 0,
      ...others,
      listen: {
        hostname: "127.0.0.1",
        port: this.#port,
        token: JOIN_TOKEN,
        ...listen,
      },
    });
  }

  /** Where agents connect. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Starts an agent. */
  start(...args: string[]): AgentProcess {
    const agent = new AgentProcess(["--connect", this.address, ...args], {
      token: JOIN_TOKEN,
    });
    this.#agents.push(agent);
    return agent;
  }

  /** Starts an agent, and waits until its workers are in use. */
  async join(workers: number, ...args: string[]): Promise<AgentProcess> {
    const before = this.workers;
    const agent = this.start("--workers", String(workers), ...args);
    await this.has(before + workers);
    return agent;
  }

  /** How many workers have joined and are in use. */
  get workers(): number {
    return joinedWorkers(this.pool);
  }

  /** Waits until a number of workers have joined. */
  async has(workers: number): Promise<void> {
    await until(
      () => this.workers === workers,
      `There aren't ${workers} workers: ${
        this.#agents.map((agent) => agent.logs()).join("\n")
      }`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.terminate();
    for (const agent of this.#agents) await agent[Symbol.asyncDispose]();
  }
}

/** How the conformance tests use pools whose workers have all joined. */
export interface JoinedKind {
  /** Makes the options of a pool, and starts an agent that joins it. */
  readonly options: () => PoolOptions;
  /** Waits until the agent's workers are in use. */
  readonly settle: (pool: Pool) => Promise<void>;
  /** Declares a test, whose agents end with it. */
  readonly declare: (name: string, body: () => Promise<void>) => void;
  /** Ends the agents. */
  readonly endAgents: () => Promise<void>;
}

/** Makes pools that an agent with some workers joins. */
export function joinedKind(workers: number): JoinedKind {
  const agents: AgentProcess[] = [];
  const endAgents = async () => {
    for (const agent of agents.splice(0)) await agent[Symbol.asyncDispose]();
  };
  return {
    options() {
      const port = freePort();
      const address = `127.0.0.1:${port}`;
      const args = ["--connect", address, "--workers", String(workers)];
      agents.push(new AgentProcess(args, { token: JOIN_TOKEN }));
      const listen = { hostname: "127.0.0.1", port, token: JOIN_TOKEN };
      return { workers: 0, listen };
    },
    settle: (pool) => until(() => joinedWorkers(pool) === workers),
    declare(name, body) {
      Deno.test(name, async () => {
        try {
          await body();
        } finally {
          await endAgents();
        }
      });
    },
    endAgents,
  };
}

function joinedWorkers(pool: Pool): number {
  return pool.stats().hosts.find(({ name }) => name === "joined")!.workers;
}

/** Returns a port that nothing listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
