/**
 * How both ends of a new connection prove that they know the pool's secret,
 * without sending it, before anything else is read.
 *
 * The worker says `{ version, worker, nonce }`; the pool answers
 * `{ version, nonce, proof }`; the worker checks that proof and answers
 * `{ proof }`; the pool checks it and answers `{ welcome }`. A proof is the
 * HMAC-SHA-256 of the prover's role, the version, the worker's number and both
 * nonces, so that none can be replayed or reflected.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc2104 HMAC}
 *
 * @module
 */

import { decode, encode, type ValueMap } from "@std/msgpack";

/** The version of handshake and messages; both ends must have the same. */
export const PROTOCOL_VERSION = 1;

/** The largest message before both ends know each other, in bytes. */
const MAX_BYTES = 1_024;

const NONCE_BYTES = 32;
const SECRET_BYTES = 32;

/** Makes a new secret for a pool. */
export function makeSecret(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** The handshake as the pool does it, with one secret for all connections. */
export class PoolHandshake {
  readonly #key: Promise<CryptoKey>;
  readonly #welcome: ValueMap;

  /** Constructs it; `welcome` is what an admitted worker is told. */
  constructor(secret: Uint8Array<ArrayBuffer>, welcome: ValueMap) {
    this.#key = importKey(secret);
    this.#welcome = welcome;
  }

  /**
   * Lets a worker in, or throws.
   *
   * @returns The number the worker was started with.
   * @throws {Error} If the other side is no worker of this pool.
   */
  async admit(connection: Deno.Conn): Promise<number> {
    const hello = await receive(connection);
    const { worker } = hello;
    if (!isUint32(worker)) throw new Error("It gave no worker number");
    checkVersion(hello.version, "pool", "worker");
    const theirs = nonceOf(hello);
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const key = await this.#key;
    await send(connection, {
      version: PROTOCOL_VERSION,
      nonce,
      proof: await prove(key, "pool", worker, theirs, nonce),
    });
    const answer = await receive(connection);
    await verify(key, answer.proof, "worker", worker, theirs, nonce);
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
  connection: Deno.Conn,
  secret: Uint8Array<ArrayBuffer>,
  worker: number,
): Promise<ValueMap> {
  const key = await importKey(secret);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  await send(connection, { version: PROTOCOL_VERSION, worker, nonce });
  const challenge = await receive(connection);
  checkVersion(challenge.version, "worker", "pool");
  const theirs = nonceOf(challenge);
  await verify(key, challenge.proof, "pool", worker, nonce, theirs);
  await send(connection, {
    proof: await prove(key, "worker", worker, nonce, theirs),
  });
  const { welcome } = await receive(connection);
  if (!isMap(welcome)) throw new Error("The pool gave no welcome");
  return welcome;
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
  role: "pool" | "worker",
  worker: number,
  workerNonce: Uint8Array,
  poolNonce: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(9 + 2 * NONCE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, role === "pool" ? 1 : 2);
  view.setUint32(1, PROTOCOL_VERSION);
  view.setUint32(5, worker);
  bytes.set(workerNonce, 9);
  bytes.set(poolNonce, 9 + NONCE_BYTES);
  return bytes;
}

async function prove(
  key: CryptoKey,
  ...stated: Parameters<typeof statement>
): Promise<Uint8Array> {
  return new Uint8Array(
    await crypto.subtle.sign("HMAC", key, statement(...stated)),
  );
}

async function verify(
  key: CryptoKey,
  proof: unknown,
  ...stated: Parameters<typeof statement>
): Promise<void> {
  // WebCrypto compares in constant time.
  const proven = proof instanceof Uint8Array &&
    await crypto.subtle.verify(
      "HMAC",
      key,
      new Uint8Array(proof),
      statement(...stated),
    );
  if (!proven) throw new Error("The other side doesn't know the pool's secret");
}

function checkVersion(theirs: unknown, own: string, other: string): void {
  if (theirs === PROTOCOL_VERSION) return;
  throw new Error(
    `The ${own} speaks version ${PROTOCOL_VERSION} of the protocol and the ${other} version ${theirs}: both must come from the same release of @distex/pool`,
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

function isMap(value: unknown): value is ValueMap {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !(value instanceof Uint8Array);
}

async function send(connection: Deno.Conn, message: ValueMap): Promise<void> {
  const content = encode(message);
  const frame = new Uint8Array(4 + content.length);
  new DataView(frame.buffer).setUint32(0, content.length);
  frame.set(content, 4);
  for (let sent = 0; sent < frame.length;) {
    sent += await connection.write(frame.subarray(sent));
  }
}

async function receive(connection: Deno.Conn): Promise<ValueMap> {
  const prefix = await readExactly(connection, 4);
  const length = new DataView(prefix.buffer).getUint32(0);
  if (length > MAX_BYTES) {
    throw new Error(`A handshake message has at most ${MAX_BYTES} bytes`);
  }
  const message = decode(await readExactly(connection, length));
  if (!isMap(message)) throw new Error("A handshake message is a map");
  return message;
}

async function readExactly(
  connection: Deno.Conn,
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
