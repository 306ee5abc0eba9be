import type { ValueMap } from "@std/msgpack";
import type { Connection } from "../transport/connection.ts";
import { acceptHandshake } from "../transport/handshake.ts";
import {
  AGENT_ROLES,
  AGENT_WORKER_SECRET,
  FIRST_AGENT_ID,
} from "./agent_handshake.ts";
import { WORKER_ROLES } from "./worker_handshake.ts";

/** A worker, or the spawner of an ssh host, that was admitted. */
export interface AdmittedWorker {
  readonly kind: "worker";
  /** The number that the pool gave it. */
  readonly number: number;
}

/** An agent that was admitted. */
export interface AdmittedAgent {
  readonly kind: "agent";
  /** The number of its group. */
  readonly group: number;
  /** The secret of the workers that it starts. */
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** A peer that has dialed a pool and was admitted. */
export type Dialer = AdmittedWorker | AdmittedAgent;

/** The secrets of the peers that a pool expects. */
export interface DialerSecrets {
  /** Returns the secret of the worker with a number, if it is expected. */
  readonly ofWorker: (worker: number) => Uint8Array<ArrayBuffer> | undefined;
  /** Returns the secret of the agents of a group, if any are expected. */
  readonly ofGroup: (group: number) => Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Authenticates a worker or an agent, as its pool.
 *
 * @param welcome The pool's settings for workers.
 * @throws {HandshakeError} If the peer isn't one that this pool expects.
 */
export async function admitDialer(
  connection: Connection,
  secrets: DialerSecrets,
  welcome: ValueMap,
): Promise<Dialer> {
  const { id, deriveSecret } = await acceptHandshake(
    connection,
    (id) =>
      id < FIRST_AGENT_ID
        ? { roles: WORKER_ROLES, secret: secrets.ofWorker(id), welcome }
        : {
          roles: AGENT_ROLES,
          secret: secrets.ofGroup(id - FIRST_AGENT_ID),
          welcome: {},
        },
  );
  if (id < FIRST_AGENT_ID) return { kind: "worker", number: id };
  return {
    kind: "agent",
    group: id - FIRST_AGENT_ID,
    secret: await deriveSecret(AGENT_WORKER_SECRET),
  };
}
