import { HostError } from "../../errors/host_error.ts";
import type { SessionRequest } from "../../protocol/spawner_messages.ts";
import type { WorkerProcess } from "../../spawner/worker_process.ts";
import { isTimeout, withinLimit } from "../../util/within_limit.ts";
import type { Host, HostKind } from "../host.ts";
import type { RemoteAgent } from "../remote/remote_agent.ts";

/** The machine of an agent, which has connected by itself. */
export class AgentHost implements Host {
  /** The agent has no limit: to wait for each worker would take round trips. */
  readonly parallelStarts = Infinity;
  /** Resolves when the connection to the agent has ended. */
  readonly lost: Promise<Error>;

  readonly #agent: RemoteAgent;
  readonly #workers: number;
  readonly #request: SessionRequest;

  /**
   * Constructs it for an agent that has made its offer.
   *
   * @param workers The number of workers.
   * @param secret The secret that the pool shares with these workers.
   */
  constructor(
    readonly name: string,
    readonly kind: HostKind,
    readonly secret: Uint8Array<ArrayBuffer>,
    agent: RemoteAgent,
    workers: number,
    request: SessionRequest,
  ) {
    this.#agent = agent;
    this.#workers = workers;
    this.#request = request;
    this.lost = agent.closed.then((cause) =>
      this.#error(`the connection to it ended (${cause ?? "closed"})`, cause)
    );
  }

  async open(timeout: number): Promise<number> {
    try {
      await withinLimit(this.#agent.open(this.#request), timeout);
    } catch (cause) {
      const reason = isTimeout(cause)
        ? `it didn't answer within ${timeout} ms`
        : `the connection to it ended (${cause})`;
      throw this.#error(reason, cause);
    }
    return this.#workers;
  }

  start(worker: number, name: string): WorkerProcess {
    return this.#agent.start(worker, name);
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.#agent.close();
  }

  #error(reason: string, cause: unknown): HostError {
    const message = `Can't use the agent ${this.name}: ${reason}`;
    return new HostError(this.name, "connection", message, { cause });
  }
}
