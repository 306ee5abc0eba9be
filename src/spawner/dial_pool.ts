import { delay } from "@std/async/delay";
import { introduceAgent } from "../protocol/agent_handshake.ts";
import { formatPlace } from "../transport/address.ts";
import { Channel } from "../transport/channel.ts";
import { connect } from "../transport/connect.ts";
import type { Connection } from "../transport/connection.ts";
import { fetchCertificate } from "../transport/fetch_certificate.ts";
import { HandshakeError } from "../transport/handshake_error.ts";
import { secretOfToken } from "../transport/secret.ts";
import type { DialSettings } from "./agent_settings.ts";

/** The pauses between two attempts, in milliseconds. */
const FIRST_PAUSE = 250;
const LAST_PAUSE = 5_000;

/** How long an attempt may take, in milliseconds. */
const ATTEMPT_TIMEOUT = 15_000;

/** The connection of an agent to its pool. */
export interface PoolConnection {
  /** The channel to the pool. */
  readonly channel: Channel;
  /** The secret that the pool and the workers of this agent share. */
  readonly secret: Uint8Array<ArrayBuffer>;
}

/**
 * Connects to the pool as an agent, and tries again while the pool can't be
 * reached.
 *
 * @param signal Stops this when it is aborted.
 * @param log Takes a line after the first attempt, if that has failed.
 * @throws {Error} If the pool can't be reached in time, or either end refuses
 * the other. The message is for the user.
 * @throws The reason of the signal, once it is aborted.
 */
export async function dialPool(
  settings: DialSettings,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<PoolConnection> {
  const { connectTimeout } = settings;
  const secret = await secretOfToken(settings.token);
  const begin = performance.now();
  for (
    let longest = FIRST_PAUSE;;
    longest = Math.min(2 * longest, LAST_PAUSE)
  ) {
    const left = () => begin + connectTimeout - performance.now();
    let failure: unknown;
    try {
      return await attempt(settings, secret, left(), signal);
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
    if (isFinal(failure)) throw explain(settings, failure);
    // Many agents may have been started at the same time.
    const pause = longest * (0.5 + Math.random() / 2);
    if (pause >= left()) throw unreachable(settings, failure);
    if (longest === FIRST_PAUSE) {
      log(`trying again, as the pool can't be reached: ${messageOf(failure)}`);
    }
    await delay(pause, { signal });
  }
}

/** Tries once to connect to the pool. */
async function attempt(
  settings: DialSettings,
  secret: Uint8Array<ArrayBuffer>,
  timeout: number,
  over: AbortSignal,
): Promise<PoolConnection> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error("it doesn't answer")),
    Math.min(timeout, ATTEMPT_TIMEOUT),
  );
  const signal = AbortSignal.any([over, late.signal]);
  try {
    const connection = await open(settings, signal);
    return await introduce(connection, secret, settings.group, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function open(
  { address, pin }: DialSettings,
  signal: AbortSignal,
): Promise<Connection> {
  const { hostname, port } = address;
  const certificate = pin === undefined
    ? ""
    : "certificate" in pin
    ? pin.certificate
    : await fetchCertificate(hostname, port, pin.fingerprint, signal);
  return await connect(address, certificate, signal);
}

async function introduce(
  connection: Connection,
  secret: Uint8Array<ArrayBuffer>,
  group: number,
  signal: AbortSignal,
): Promise<PoolConnection> {
  const hangUp = () => connection.close();
  signal.addEventListener("abort", hangUp);
  try {
    signal.throwIfAborted();
    const ownSecret = await introduceAgent(connection, secret, group);
    return { channel: new Channel(connection), secret: ownSecret };
  } catch (error) {
    if (!signal.aborted) connection.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", hangUp);
  }
}

/** Returns whether another attempt would fail in the same way. */
function isFinal(failure: unknown): boolean {
  return failure instanceof HandshakeError && failure.code !== "closed" ||
    isBadTls(failure) || isBadTls((failure as Error).cause);
}

/** Returns whether a TLS handshake failed, mostly because of the certificate. */
function isBadTls(error: unknown): boolean {
  return error instanceof Deno.errors.InvalidData;
}

/** Explains why the pool or this agent refuses the other. */
function explain({ address, pin }: DialSettings, cause: unknown): Error {
  const place = formatPlace(address.hostname, address.port);
  const reason = messageOf(cause);
  const code = cause instanceof HandshakeError ? cause.code : "certificate";
  switch (code) {
    case "secret":
      return new Error(
        `The pool at ${place} has another token: check --token-file or DISTEX_TOKEN`,
        { cause },
      );
    case "version":
      return new Error(`The pool at ${place} can't be used: ${reason}`, {
        cause,
      });
    case "certificate": {
      const flag = pin !== undefined && "certificate" in pin
        ? "--certificate-file"
        : "--fingerprint or DISTEX_FINGERPRINT";
      return new Error(
        `The program at ${place} can't be trusted: ${reason}. Check ${flag}; a pool makes a new certificate each time it starts`,
        { cause },
      );
    }
    default:
      return new Error(
        `The program at ${place} doesn't answer like a pool (${reason}): check --connect; a pool that listens with TLS needs --fingerprint`,
        { cause },
      );
  }
}

function unreachable(
  { address, connectTimeout }: DialSettings,
  cause: unknown,
): Error {
  const place = formatPlace(address.hostname, address.port);
  const isClosed = cause instanceof HandshakeError;
  const reason = isClosed
    ? "it hangs up. A pool takes agents only with the option 'listen.token', and may require TLS (--fingerprint) or none (tcp:host:port)"
    : messageOf(cause);
  return new Error(
    `The pool at ${place} can't be reached within the --connect-timeout of ${
      connectTimeout / 1_000
    } s: ${reason}`,
    { cause },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
