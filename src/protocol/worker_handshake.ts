/**
 * The handshake between a pool, which listens, and its workers, which dial.
 *
 * @module
 */

import type { ValueMap } from "@std/msgpack";
import type { Connection } from "../transport/connection.ts";
import { offerHandshake, type Roles } from "../transport/handshake.ts";

/** The two ends of the connection of a worker. */
export const WORKER_ROLES: Roles = {
  listener: { name: "pool", number: 1 },
  dialer: { name: "worker", number: 2 },
  secret: "the pool's secret",
};

/**
 * Authenticates a pool, as one of its workers.
 *
 * @returns The pool's settings for the worker.
 * @throws {HandshakeError} If the peer isn't the pool that has this secret.
 */
export async function introduceWorker(
  connection: Connection,
  secret: Uint8Array<ArrayBuffer>,
  worker: number,
): Promise<ValueMap> {
  const { welcome } = await offerHandshake(
    connection,
    WORKER_ROLES,
    secret,
    worker,
  );
  return welcome;
}
