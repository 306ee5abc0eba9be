/**
 * The handshake between a pool, which listens, and agents, which dial. An agent
 * is a spawner that comes by itself.
 *
 * @module
 */

import type { Connection } from "../transport/connection.ts";
import { offerHandshake, type Roles } from "../transport/handshake.ts";

/** The two ends of the connection of an agent. */
export const AGENT_ROLES: Roles = {
  listener: { name: "pool", number: 1 },
  dialer: { name: "agent", number: 6 },
  secret: "the pool's token",
};

/** The purpose of the secret that is derived for the workers of an agent. */
export const AGENT_WORKER_SECRET = 7;

/** The id of agents of the group 0; smaller ids are those of workers. */
export const FIRST_AGENT_ID = 0x8000_0000;

/**
 * Authenticates a pool, as one of its agents.
 *
 * @param secret The secret of the agent's group, made from its token.
 * @param group The number of the agent's group, below 2 ** 31.
 * @returns The secret of the workers that this agent starts.
 * @throws {HandshakeError} If the peer isn't the pool that has this secret.
 */
export async function introduceAgent(
  connection: Connection,
  secret: Uint8Array<ArrayBuffer>,
  group: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { deriveSecret } = await offerHandshake(
    connection,
    AGENT_ROLES,
    secret,
    FIRST_AGENT_ID + group,
  );
  return await deriveSecret(AGENT_WORKER_SECRET);
}
