/**
 * The handshake between a spawner server, which listens, and pools, which dial.
 *
 * @module
 */

import type { Connection } from "../transport/connection.ts";
import {
  acceptHandshake,
  offerHandshake,
  type Roles,
} from "../transport/handshake.ts";
import { secretOfToken } from "../transport/secret.ts";

const ROLES: Roles = {
  listener: { name: "spawner server", number: 3 },
  dialer: { name: "pool", number: 4 },
  secret: "the spawner server's token",
};

/** The purpose of the secret that is derived for the workers of a pool. */
const WORKER_SECRET = 5;

/** All pools have the same id. */
const POOL_ID = 0;

/**
 * Authenticates a pool, as a spawner server.
 *
 * @returns The secret of this pool's workers there.
 * @throws {HandshakeError} If the peer doesn't know the token.
 */
export async function admitPool(
  connection: Connection,
  token: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const secret = await secretOfToken(token);
  const { deriveSecret } = await acceptHandshake(connection, (id) => ({
    roles: ROLES,
    secret: id === POOL_ID ? secret : undefined,
    welcome: {},
  }));
  return await deriveSecret(WORKER_SECRET);
}

/**
 * Authenticates a spawner server, as a pool.
 *
 * @returns The secret of the workers that the server starts for this pool.
 * @throws {HandshakeError} If the peer doesn't know the token.
 */
export async function introducePool(
  connection: Connection,
  token: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const secret = await secretOfToken(token);
  const { deriveSecret } = await offerHandshake(
    connection,
    ROLES,
    secret,
    POOL_ID,
  );
  return await deriveSecret(WORKER_SECRET);
}
