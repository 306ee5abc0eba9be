/**
 * Mutual authentication of both ends of a new connection by a secret that is
 * never sent. Until it is complete, the ends read nothing else.
 *
 * 1. The dialer sends `{ version, id, nonce }`.
 * 2. The listener answers `{ version, nonce, proof }`.
 * 3. The dialer checks this proof, and answers `{ proof }`.
 * 4. The listener checks this proof, and answers `{ welcome }`.
 *
 * A proof is an HMAC-SHA-256 of the prover's role, the version, the dialer's id
 * and both nonces. So nobody can replay a proof, reflect it, or use it on
 * another connection.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc2104 HMAC}
 *
 * @module
 */

import { decode, encode, type ValueMap } from "@std/msgpack";
import type { Connection } from "./connection.ts";
import { HandshakeError } from "./handshake_error.ts";

/** The version of handshake and messages; both ends must have the same one. */
export const PROTOCOL_VERSION = 7;

/** The largest handshake message, in bytes. */
const MAX_BYTES = 1_024;

const NONCE_BYTES = 32;

/** One end of a connection. */
export interface Role {
  /** Its name in messages. */
  readonly name: string;
  /** Its number in proofs. */
  readonly number: number;
}

/** The two ends of a kind of connection. */
export interface Roles {
  /** The end that connects. */
  readonly dialer: Role;
  /** The end that accepts. */
  readonly listener: Role;
  /** The name of their shared secret in messages. */
  readonly secret: string;
}

/** How a listener authenticates the dialer with some id. */
export interface Admission {
  /** The two ends of this kind of connection. */
  readonly roles: Roles;
  /** The secret of this dialer; `undefined` if no such dialer is expected. */
  readonly secret: Uint8Array<ArrayBuffer> | undefined;
  /** Sent to the dialer once it is authenticated. */
  readonly welcome: ValueMap;
}

/** The result of a handshake for the end that accepted. */
export interface Acceptance {
  /** The id that the dialer gave. */
  readonly id: number;
  /** See {@linkcode Session.deriveSecret}. */
  readonly deriveSecret: Session["deriveSecret"];
}

/** The result of a handshake for the end that connected. */
export interface Session {
  /** The listener's welcome. */
  readonly welcome: ValueMap;
  /**
   * Derives another secret for a purpose. Only the two ends can derive it, and
   * it is never sent.
   *
   * @param purpose A number that isn't the number of a role.
   */
  readonly deriveSecret: (purpose: number) => Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Performs the handshake as the end that accepted the connection.
 *
 * @param admissionOf Returns how the dialer with an id is authenticated. A dialer
 * that sent no valid id gets the messages of the id 0.
 * @throws {HandshakeError} If the dialer can't be authenticated.
 */
export async function acceptHandshake(
  connection: Connection,
  admissionOf: (id: number) => Admission,
): Promise<Acceptance> {
  const hello = await receiveScalars(connection);
  const { version, id } = hello;
  const { roles: { dialer, listener, secret: secretName }, secret, welcome } =
    admissionOf(isUint32(id) ? id : 0);
  if (version !== undefined && version !== PROTOCOL_VERSION) {
    // The dialer, too, should report both versions to its user.
    await send(connection, { version: PROTOCOL_VERSION });
  }
  checkVersion(version, listener, dialer);
  if (!isUint32(id)) {
    throw new HandshakeError("id", `The ${dialer.name} sent no valid id`);
  }
  if (secret === undefined) {
    throw new HandshakeError("id", `No ${dialer.name} ${id} is expected`);
  }
  const prover = await Prover.make(secret, id, nonceOf(hello), makeNonce());
  await send(connection, {
    version: PROTOCOL_VERSION,
    nonce: prover.listenerNonce,
    proof: await prover.prove(listener.number),
  });
  const { proof } = await receiveScalars(connection);
  if (!await prover.verify(dialer.number, proof)) throw unproven(secretName);
  await send(connection, { welcome });
  return { id, deriveSecret: (purpose) => prover.prove(purpose) };
}

/**
 * Performs the handshake as the end that connected.
 *
 * @param id The id that identifies this dialer to the listener.
 * @throws {HandshakeError} If the listener can't be authenticated, or closes
 * the connection.
 */
export async function offerHandshake(
  connection: Connection,
  { dialer, listener, secret: secretName }: Roles,
  secret: Uint8Array<ArrayBuffer>,
  id: number,
): Promise<Session> {
  const nonce = makeNonce();
  await send(connection, { version: PROTOCOL_VERSION, id, nonce });
  const challenge = await receiveScalars(connection);
  checkVersion(challenge.version, dialer, listener);
  const prover = await Prover.make(secret, id, nonce, nonceOf(challenge));
  if (!await prover.verify(listener.number, challenge.proof)) {
    throw unproven(secretName);
  }
  await send(connection, { proof: await prover.prove(dialer.number) });
  const { welcome } = await receive(connection);
  if (!isMap(welcome)) {
    throw new HandshakeError(
      "malformed",
      `The ${listener.name} sent no welcome`,
    );
  }
  return { welcome, deriveSecret: (purpose) => prover.prove(purpose) };
}

/** Makes and checks the proofs of one connection. */
class Prover {
  private constructor(
    readonly key: CryptoKey,
    readonly id: number,
    readonly dialerNonce: Uint8Array,
    readonly listenerNonce: Uint8Array,
  ) {}

  static async make(
    secret: Uint8Array<ArrayBuffer>,
    id: number,
    dialerNonce: Uint8Array,
    listenerNonce: Uint8Array,
  ): Promise<Prover> {
    const key = await importKey(secret);
    return new Prover(key, id, dialerNonce, listenerNonce);
  }

  async prove(role: number): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(
      await crypto.subtle.sign("HMAC", this.key, this.#statement(role)),
    );
  }

  /** Compares in constant time, as WebCrypto does. */
  async verify(role: number, proof: unknown): Promise<boolean> {
    if (!(proof instanceof Uint8Array)) return false;
    const bytes = new Uint8Array(proof);
    return await crypto.subtle
      .verify("HMAC", this.key, bytes, this.#statement(role));
  }

  /** The signed bytes. Parts can't be confused, as each has a fixed size. */
  #statement(role: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(9 + 2 * NONCE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, role);
    view.setUint32(1, PROTOCOL_VERSION);
    view.setUint32(5, this.id);
    bytes.set(this.dialerNonce, 9);
    bytes.set(this.listenerNonce, 9 + NONCE_BYTES);
    return bytes;
  }
}

/** The keys of secrets: the workers of a host share one. */
const keys = new WeakMap<Uint8Array, Promise<CryptoKey>>();

function importKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  let key = keys.get(secret);
  if (key === undefined) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    key = crypto.subtle
      .importKey("raw", secret, algorithm, false, ["sign", "verify"]);
    keys.set(secret, key);
  }
  return key;
}

function unproven(secretName: string): HandshakeError {
  return new HandshakeError("secret", `The peer does not know ${secretName}`);
}

function makeNonce(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
}

function checkVersion(theirs: unknown, own: Role, other: Role): void {
  if (theirs === PROTOCOL_VERSION) return;
  // An unauthenticated peer may send anything, which must not get into logs.
  const version = /^[\w.-]{1,20}$/.test(`${theirs}`) ? theirs : "unknown";
  throw new HandshakeError(
    "version",
    `The ${own.name} speaks version ${PROTOCOL_VERSION} of the protocol and the ${other.name} version ${version}: both must come from the same release of @distex/pool`,
  );
}

function nonceOf(message: ValueMap): Uint8Array {
  const { nonce } = message;
  if (nonce instanceof Uint8Array && nonce.length === NONCE_BYTES) return nonce;
  throw new HandshakeError("malformed", "The peer sent no valid nonce");
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
    throw new HandshakeError(
      "malformed",
      `A handshake message can have at most ${MAX_BYTES} bytes, but this one has ${length}`,
    );
  }
  const message = decodeMessage(await readExactly(connection, length));
  if (isMap(message)) return message;
  throw new HandshakeError("malformed", "A handshake message must be a map");
}

function decodeMessage(bytes: Uint8Array<ArrayBuffer>): unknown {
  try {
    return decode(bytes);
  } catch (cause) {
    throw new HandshakeError(
      "malformed",
      "A handshake message must be MessagePack",
      { cause },
    );
  }
}

/**
 * Receives a message from an unauthenticated peer. It drops lists and maps, as
 * they may take much more memory than bytes on the wire.
 */
async function receiveScalars(connection: Connection): Promise<ValueMap> {
  const message = await receive(connection);
  const scalars: ValueMap = {};
  for (const name of ["version", "id", "nonce", "proof"]) {
    const value = message[name];
    if (value instanceof Uint8Array || !isObject(value)) scalars[name] = value!;
  }
  return scalars;
}

async function readExactly(
  connection: Connection,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await connection.read(bytes.subarray(filled));
    if (count === null) {
      throw new HandshakeError("closed", "The peer closed the connection");
    }
    filled += count;
  }
  return bytes;
}
