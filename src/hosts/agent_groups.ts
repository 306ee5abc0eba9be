import { secretOfToken } from "../transport/secret.ts";
import type { Channel } from "../transport/channel.ts";

/** The agents of one token. */
export interface AgentGroup {
  /** Called with each agent that has connected. */
  readonly onAgent: (
    channel: Channel,
    secret: Uint8Array<ArrayBuffer>,
  ) => void;
  /** Returns how many agents are about to connect. */
  readonly expected: () => number;
}

interface KnownGroup extends AgentGroup {
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** The group of the agents that users start by themselves. */
export const JOINED_GROUP = 0;

/** The agents that may connect to a pool: each group has a token of its own. */
export class AgentGroups {
  readonly #groups = new Map<number, KnownGroup>();
  #next = JOINED_GROUP + 1;

  /** Returns a number for another group. */
  number(): number {
    return this.#next++;
  }

  /** Admits agents that know a token, until the group is removed. */
  async add(number: number, token: string, group: AgentGroup): Promise<void> {
    this.#groups.set(number, { ...group, secret: await secretOfToken(token) });
  }

  /** Admits no more agents of a group. */
  remove(number: number): void {
    this.#groups.delete(number);
  }

  /** How many agents are about to connect. */
  get expected(): number {
    let expected = 0;
    for (const group of this.#groups.values()) expected += group.expected();
    return expected;
  }

  /** The secret of a group's agents, if there is such a group. */
  secretOf(number: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#groups.get(number)?.secret;
  }

  /** Hands over an agent's channel, or closes it if its group is gone. */
  resolve(
    number: number,
    channel: Channel,
    secret: Uint8Array<ArrayBuffer>,
  ): void {
    const group = this.#groups.get(number);
    if (group === undefined) return channel.close();
    group.onAgent(channel, secret);
  }
}
