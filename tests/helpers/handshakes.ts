import { assertEquals, assertRejects } from "@std/assert";
import { decode, encode, type ValueMap } from "@std/msgpack";
import { admitDialer } from "../../src/protocol/admit_dialer.ts";
import { introduceWorker } from "../../src/protocol/worker_handshake.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import { PROTOCOL_VERSION } from "../../src/transport/handshake.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { ConnectionPair, hangUp, TRANSPORTS } from "./connections.ts";
import { concat, frameAround } from "./frames.ts";

/** The secret that the pools and workers of these tests share. */
export const SECRET = makeSecret();

/** The welcome for admitted workers. */
export const WELCOME = { concurrency: 4, nested: { text: "é" } };

/** The message about a wrong proof. */
export const UNPROVEN = "The peer does not know the pool's secret";

/** The default id of workers in these tests. */
const WORKER = 1;

/** The statement that a proof covers. */
interface Statement {
  readonly role: "pool" | "worker" | "agent";
  readonly worker: number;
  readonly workerNonce: Uint8Array;
  readonly poolNonce: Uint8Array;
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly version: number;
}

/** Makes a random nonce. */
export function makeNonce(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(32));
}

/**
 * Authenticates a worker, as a pool that expects no agents.
 *
 * @returns The worker's number.
 */
export async function admitWorker(
  connection: Connection,
  secretOf: (worker: number) => Uint8Array<ArrayBuffer> | undefined,
  welcome: ValueMap,
): Promise<number> {
  const secrets = { ofWorker: secretOf, ofGroup: () => undefined };
  const dialer = await admitDialer(connection, secrets, welcome);
  if (dialer.kind === "worker") return dialer.number;
  throw new Error("An agent was admitted");
}

/** Authenticates workers, as a pool. */
export interface Admission {
  /** Returns the number of the worker at the other end. */
  admit(connection: Connection): Promise<number>;
}

/** Makes a pool that knows the secrets of its workers. */
export function makeAdmission(
  secretOf: (worker: number) => Uint8Array<ArrayBuffer> | undefined,
  welcome: ValueMap = WELCOME,
): Admission {
  return {
    admit: (connection) => admitWorker(connection, secretOf, welcome),
  };
}

/** Makes a pool whose workers have the same secret. */
export function makePool(
  secret: Uint8Array<ArrayBuffer> = SECRET,
  welcome: ValueMap = WELCOME,
): Admission {
  return makeAdmission(() => secret, welcome);
}

/** Opens a connection of the default kind. */
export function connect(): Promise<ConnectionPair> {
  return ConnectionPair.open(TRANSPORTS[0]!);
}

/** Encodes a handshake message. */
export function encodeHandshake(message: ValueMap): Uint8Array<ArrayBuffer> {
  return frameAround(encode(message));
}

/** Makes a worker's first message, with some changes. */
export function makeHello(changes: ValueMap = {}): ValueMap {
  const nonce = makeNonce();
  return { version: PROTOCOL_VERSION, id: WORKER, nonce, ...changes };
}

/** Makes a pool's answer to that message; its proof covers a changed statement. */
export async function makeChallenge(
  hello: ValueMap,
  changes: Partial<Statement> = {},
): Promise<ValueMap> {
  const nonce = makeNonce();
  const proof = await prove("pool", hello, nonce, changes);
  return { version: PROTOCOL_VERSION, nonce, proof };
}

/** Makes a worker's answer to that; its proof covers a changed statement. */
export async function makeAnswer(
  hello: ValueMap,
  challenge: ValueMap,
  changes: Partial<Statement> = {},
): Promise<ValueMap> {
  return { proof: await prove("worker", hello, challenge.nonce, changes) };
}

/** Makes a proof as the protocol defines it, without the code under test. */
export async function prove(
  role: Statement["role"],
  hello: ValueMap,
  poolNonce: unknown,
  changes: Partial<Statement> = {},
): Promise<Uint8Array> {
  const statement = {
    role,
    worker: hello.id as number,
    workerNonce: hello.nonce as Uint8Array,
    poolNonce: poolNonce as Uint8Array,
    secret: SECRET,
    version: PROTOCOL_VERSION,
    ...changes,
  };
  const numbers = new Uint8Array(9);
  const view = new DataView(numbers.buffer);
  view.setUint8(0, { pool: 1, worker: 2, agent: 6 }[statement.role]);
  view.setUint32(1, statement.version);
  view.setUint32(5, statement.worker);
  const { secret, workerNonce } = statement;
  const text = concat([numbers, workerNonce, statement.poolNonce]);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const usages: KeyUsage[] = ["sign"];
  const key = await crypto.subtle
    .importKey("raw", secret, algorithm, false, usages);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
}

/** One end of a handshake, which can send anything. */
export class HandshakePeer {
  /** The received messages, as bytes. */
  readonly received: Uint8Array[] = [];
  readonly #connection: Pick<Connection, "read" | "write" | "close">;

  /** Constructs a peer at one end of a connection. */
  constructor(connection: Pick<Connection, "read" | "write" | "close">) {
    this.#connection = connection;
  }

  /** Sends a message. */
  async send(message: ValueMap): Promise<void> {
    await this.write(encodeHandshake(message));
  }

  /** Sends any bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      written += await this.#connection.write(bytes.subarray(written));
    }
  }

  /** Receives a message. */
  async receive(): Promise<ValueMap> {
    const prefix = await this.#read(4);
    const content = await this.#read(new DataView(prefix.buffer).getUint32(0));
    this.received.push(concat([prefix, content]));
    return decode(content) as ValueMap;
  }

  /** Checks that the connection ends without more data. */
  async assertEnds(): Promise<void> {
    try {
      assertEquals(await this.#connection.read(new Uint8Array(1)), null);
    } catch (error) {
      // The peer left some bytes unread.
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }

  /** Ends the connection. */
  hangUp(): void {
    this.#connection.close();
  }

  async #read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const count = await this.#connection.read(bytes.subarray(filled));
      if (count === null) throw new Error("The connection ended");
      filled += count;
    }
    return bytes;
  }
}

/** Checks that a pool doesn't admit a peer that does this. */
export async function assertNotAdmitted(
  reason: string,
  act: (peer: HandshakePeer) => Promise<void>,
  pool: Admission = makePool(),
): Promise<void> {
  using pair = await connect();
  await assertRefused(pair, () => pool.admit(pair.left), reason, act);
}

/** Checks that a worker doesn't trust a peer that does this. */
export async function assertNotTrusted(
  reason: string,
  act: (peer: HandshakePeer, hello: ValueMap) => Promise<void>,
): Promise<void> {
  using pair = await connect();
  const begin = () => introduceWorker(pair.left, SECRET, WORKER);
  await assertRefused(pair, begin, reason, async (peer) => {
    const hello = await peer.receive();
    await act(peer, hello);
  });
}

/** Checks that neither end trusts a peer that does this at once. */
export async function assertRefusedByBoth(
  reason: string,
  act: (peer: HandshakePeer) => Promise<void>,
): Promise<void> {
  await assertNotAdmitted(reason, act);
  await assertNotTrusted(reason, act);
}

async function assertRefused(
  pair: ConnectionPair,
  begin: () => Promise<unknown>,
  reason: string,
  act: (peer: HandshakePeer) => Promise<void>,
): Promise<void> {
  // The end that refuses its peer hangs up, as pool and worker do.
  const handshake = begin().finally(() => hangUp(pair.left));
  await Promise.all([
    assertRejects(() => handshake, Error, reason),
    act(new HandshakePeer(pair.right)),
  ]);
}
