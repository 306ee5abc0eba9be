/**
 * How both ends of a new connection prove that they know a secret, without
 * sending it, before anything else is read.
 *
 * Who connects says `{ version, worker, nonce }`; who accepts answers
 * `{ version, nonce, proof }`; the first checks that proof and answers
 * `{ proof }`; the second checks it and answers `{ welcome }`. A proof is the
 * HMAC-SHA-256 of the prover's role, the version, the worker's number and both
 * nonces, so that none can be replayed, reflected, or used between others.
 *
 * Workers connect to a pool so, and pools to a spawner server.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc2104 HMAC}
 *
 * @module
 */

import { decode, encode, type ValueMap } from "@std/msgpack";
import type { Connection } from "./connection.ts";

/** The version of handshake and messages; both ends must have the same. */
export const PROTOCOL_VERSION = 1;

/** The largest message before both ends know each other, in bytes. */
const MAX_BYTES = 1_024;

const NONCE_BYTES = 32;
const SECRET_BYTES = 32;

/** Who connects to whom, and the numbers of their roles in proofs. */
interface Parties {
  readonly acceptor: { readonly name: string; readonly role: number };
  readonly connector: { readonly name: string; readonly role: number };
  /** What they both know. */
  readonly secret: string;
}

const WORKER_TO_POOL: Parties = {
  acceptor: { name: "pool", role: 1 },
  connector: { name: "worker", role: 2 },
  secret: "the pool's secret",
};

const POOL_TO_SPAWNER: Parties = {
  acceptor: { name: "spawner server", role: 3 },
  connector: { name: "pool", role: 4 },
  secret: "the spawner server's token",
};

/** What only a pool and a spawner server can work out; not a prover's role. */
const SESSION_ROLE = 5;

/** Makes a new secret for the workers of a host. */
export function makeSecret(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** The handshake as the pool does it, for all connections of its workers. */
export class PoolHandshake {
  readonly #secretOf: (worker: number) => Uint8Array<ArrayBuffer> | undefined;
  readonly #welcome: ValueMap;

  /**
   * Constructs it.
   *
   * @param secretOf The secret of the worker with a number; `undefined` if
   * none with that number is expected.
   * @param welcome What an admitted worker is told.
   */
  constructor(
    secretOf: (worker: number) => Uint8Array<ArrayBuffer> | undefined,
    welcome: ValueMap,
  ) {
    this.#secretOf = secretOf;
    this.#welcome = welcome;
  }

  /**
   * Lets a worker in, or throws.
   *
   * @returns The number the worker was started with.
   * @throws {Error} If the other side is no worker of this pool.
   */
  async admit(connection: Connection): Promise<number> {
    const hello = await receiveProof(connection);
    const { worker } = hello;
    if (!isUint32(worker)) throw new Error("It gave no worker number");
    const secret = this.#secretOf(worker);
    if (secret === undefined) {
      throw new Error(`No worker ${worker} is expected`);
    }
    const key = await importKey(secret);
    await accept(connection, WORKER_TO_POOL, key, worker, hello);
    await send(connection, { welcome: this.#welcome });
    return worker;
  }
}

/**
 * The handshake as a worker does it.
 *
 * @returns What the pool has to say to a worker that it lets in.
 * @throws {Error} If the other side isn't the pool that has this secret.
 */
export async function introduce(
  connection: Connection,
  secret: Uint8Array<ArrayBuffer>,
  worker: number,
): Promise<ValueMap> {
  const key = await importKey(secret);
  await propose(connection, WORKER_TO_POOL, key, worker);
  return await receiveWelcome(connection, "pool");
}

/**
 * The handshake as a spawner server does it with a pool.
 *
 * @returns A secret for the workers of this pool there, which the pool knows
 * too, though it never travelled.
 * @throws {Error} If the other side doesn't know the token.
 */
export async function admitPool(
  connection: Connection,
  token: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const hello = await receiveProof(connection);
  if (hello.worker !== 0) throw new Error("It isn't a pool");
  const key = await importToken(token);
  const nonces = await accept(connection, POOL_TO_SPAWNER, key, 0, hello);
  await send(connection, { welcome: {} });
  return await prove(key, SESSION_ROLE, 0, ...nonces);
}

/**
 * The handshake as a pool does it with a spawner server.
 *
 * @returns A secret for the workers that the server starts for this pool.
 * @throws {Error} If the other side doesn't know the token.
 */
export async function introducePool(
  connection: Connection,
  token: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await importToken(token);
  const nonces = await propose(connection, POOL_TO_SPAWNER, key, 0);
  await receiveWelcome(connection, "spawner server");
  return await prove(key, SESSION_ROLE, 0, ...nonces);
}

/** The nonces of who connects and of who accepts. */
type Nonces = [connector: Uint8Array, acceptor: Uint8Array];

/** Goes on after the first message of the one that connects. */
async function accept(
  connection: Connection,
  { acceptor, connector, secret }: Parties,
  key: CryptoKey,
  worker: number,
  hello: ValueMap,
): Promise<Nonces> {
  const { version } = hello;
  if (version !== undefined && version !== PROTOCOL_VERSION) {
    // It is told so, that its user learns which is which.
    await send(connection, { version: PROTOCOL_VERSION });
  }
  checkVersion(version, acceptor.name, connector.name);
  const nonces: Nonces = [nonceOf(hello), makeNonce()];
  await send(connection, {
    version: PROTOCOL_VERSION,
    nonce: nonces[1],
    proof: await prove(key, acceptor.role, worker, ...nonces),
  });
  const answer = await receiveProof(connection);
  const proven = await verify(
    key,
    answer.proof,
    connector.role,
    worker,
    ...nonces,
  );
  if (!proven) throw unproven(secret);
  return nonces;
}

/** All that the one that connects says and checks, up to the welcome. */
async function propose(
  connection: Connection,
  { acceptor, connector, secret }: Parties,
  key: CryptoKey,
  worker: number,
): Promise<Nonces> {
  const nonce = makeNonce();
  await send(connection, { version: PROTOCOL_VERSION, worker, nonce });
  const challenge = await receiveProof(connection);
  checkVersion(challenge.version, connector.name, acceptor.name);
  const nonces: Nonces = [nonce, nonceOf(challenge)];
  const proven = await verify(
    key,
    challenge.proof,
    acceptor.role,
    worker,
    ...nonces,
  );
  if (!proven) throw unproven(secret);
  await send(connection, {
    proof: await prove(key, connector.role, worker, ...nonces),
  });
  return nonces;
}

async function receiveWelcome(
  connection: Connection,
  from: string,
): Promise<ValueMap> {
  const { welcome } = await receive(connection);
  if (!isMap(welcome)) throw new Error(`The ${from} gave no welcome`);
  return welcome;
}

function unproven(secret: string): Error {
  return new Error(`The other side doesn't know ${secret}`);
}

function makeNonce(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
}

/** A token of any length, the empty one of a server without one included. */
async function importToken(token: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(token);
  return await importKey(
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)),
  );
}

function importKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey(
    "raw",
    secret,
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
}

/** What is signed; each part has a fixed size, so none can pass for another. */
function statement(
  role: number,
  worker: number,
  connectorNonce: Uint8Array,
  acceptorNonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(9 + 2 * NONCE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, role);
  view.setUint32(1, PROTOCOL_VERSION);
  view.setUint32(5, worker);
  bytes.set(connectorNonce, 9);
  bytes.set(acceptorNonce, 9 + NONCE_BYTES);
  return bytes;
}

async function prove(
  key: CryptoKey,
  ...stated: Parameters<typeof statement>
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(
    await crypto.subtle.sign("HMAC", key, statement(...stated)),
  );
}

/** WebCrypto compares in constant time. */
async function verify(
  key: CryptoKey,
  proof: unknown,
  ...stated: Parameters<typeof statement>
): Promise<boolean> {
  if (!(proof instanceof Uint8Array)) return false;
  const bytes = new Uint8Array(proof);
  return await crypto.subtle.verify("HMAC", key, bytes, statement(...stated));
}

function checkVersion(theirs: unknown, own: string, other: string): void {
  if (theirs === PROTOCOL_VERSION) return;
  // Whatever else a stranger calls a version doesn't belong into a log.
  const version = /^[\w.-]{1,20}$/.test(`${theirs}`) ? theirs : "unknown";
  throw new Error(
    `The ${own} speaks version ${PROTOCOL_VERSION} of the protocol and the ${other} version ${version}: both must come from the same release of @distex/pool`,
  );
}

function nonceOf(message: ValueMap): Uint8Array {
  const { nonce } = message;
  if (!(nonce instanceof Uint8Array) || nonce.length !== NONCE_BYTES) {
    throw new Error("The other side sent no nonce");
  }
  return nonce;
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isMap(value: unknown): value is ValueMap {
  return isObject(value) && !Array.isArray(value) &&
    !(value instanceof Uint8Array);
}

async function send(connection: Connection, message: ValueMap): Promise<void> {
  const content = encode(message);
  const frame = new Uint8Array(4 + content.length);
  new DataView(frame.buffer).setUint32(0, content.length);
  frame.set(content, 4);
  for (let sent = 0; sent < frame.length;) {
    sent += await connection.write(frame.subarray(sent));
  }
}

async function receive(connection: Connection): Promise<ValueMap> {
  const prefix = await readExactly(connection, 4);
  const length = new DataView(prefix.buffer).getUint32(0);
  if (length > MAX_BYTES) {
    throw new Error(`A handshake message has at most ${MAX_BYTES} bytes`);
  }
  const message = decode(await readExactly(connection, length));
  if (!isMap(message)) throw new Error("A handshake message is a map");
  return message;
}

/**
 * Receives from one who hasn't proved itself. No lists and maps are kept, which
 * may take much more memory than they have bytes.
 */
async function receiveProof(connection: Connection): Promise<ValueMap> {
  const message = await receive(connection);
  const kept: ValueMap = {};
  for (const name of ["version", "worker", "nonce", "proof"]) {
    const value = message[name];
    if (value instanceof Uint8Array || !isObject(value)) kept[name] = value!;
  }
  return kept;
}

async function readExactly(
  connection: Connection,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) throw new Error("The other side hung up");
    filled += count;
  }
  return bytes;
}
