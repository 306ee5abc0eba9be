import { fromAgent } from "../../protocol/check_messages.ts";
import {
  type AgentOffer,
  type AgentToPool,
  SpawnerMessageType,
} from "../../protocol/spawner_messages.ts";
import type { OutputHandler } from "../../spawner/worker_launcher.ts";
import type { Channel } from "../../transport/channel.ts";
import type { Connection } from "../../transport/connection.ts";
import { RemoteSpawner } from "./remote_spawner.ts";

/** An agent's wish to end. */
export interface Departure {
  /** Why it wants to end. */
  readonly reason: string;
  /** After how many milliseconds it ends in any case; `Infinity` for never. */
  readonly timeLeft: number;
}

/** Controls an agent: a spawner that has connected by itself. */
export class RemoteAgent extends RemoteSpawner {
  /**
   * Resolves to what the agent offers, which it sends first.
   *
   * Rejects if the connection ends before. The caller must set a time limit.
   */
  readonly offer: Promise<AgentOffer>;
  /** Resolves when the agent wants to end. */
  readonly leaving: Promise<Departure>;

  readonly #channel: Channel;
  readonly #offered = Promise.withResolvers<AgentOffer>();
  readonly #left = Promise.withResolvers<Departure>();
  #isFirst = true;

  /**
   * Constructs the pool's end of an authenticated connection.
   *
   * @param onConnection Takes the connections of workers that the agent relays;
   * by default, it relays none.
   */
  constructor(
    channel: Channel,
    onOutput: OutputHandler,
    heartbeatTimeout: number,
    onConnection?: (connection: Connection) => void,
  ) {
    super(channel, onOutput, heartbeatTimeout, fromAgent, onConnection);
    this.#channel = channel;
    this.offer = this.#offered.promise;
    this.leaving = this.#left.promise;
    this.offer.catch(() => {});
    this.closed.then((reason) =>
      this.#offered.reject(
        reason ?? new Error("The agent has closed the connection"),
      )
    );
  }

  /** Refuses the agent, which then ends. */
  async refuse(reason: string): Promise<void> {
    this.send([SpawnerMessageType.REFUSE, reason]);
    await this.#channel.drained();
    this.close();
  }

  protected override take(message: AgentToPool): void {
    const isHello = message[0] === SpawnerMessageType.HELLO;
    if (isHello !== this.#isFirst) {
      throw new RangeError("Malformed message: an agent sends Hello first");
    }
    this.#isFirst = false;
    if (message[0] === SpawnerMessageType.HELLO) {
      return this.#offered.resolve(message[1]);
    }
    if (message[0] === SpawnerMessageType.LEAVE) {
      const [, reason, timeLeft] = message;
      return this.#left.resolve({ reason, timeLeft });
    }
    super.take(message);
  }
}
