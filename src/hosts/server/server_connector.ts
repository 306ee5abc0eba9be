import { lookup } from "node:dns/promises";
import { HostError, type HostStep } from "../../errors/host_error.ts";
import type { HostSettings } from "../../options/host_spec.ts";
import { introducePool } from "../../protocol/spawner_handshake.ts";
import type { SessionRequest } from "../../protocol/spawner_messages.ts";
import {
  type Address,
  formatAddress,
  formatPlace,
  SPAWNER_PORT,
} from "../../transport/address.ts";
import { Channel } from "../../transport/channel.ts";
import type { Connection } from "../../transport/connection.ts";
import { HandshakeError } from "../../transport/handshake_error.ts";
import { isGranted } from "../../util/is_granted.ts";
import type { PoolServices } from "../pool_services.ts";
import type {
  Connector,
  ConnectorFailure,
  SpawnerConnection,
  WorkerRequest,
} from "../remote/connector.ts";

/** The address where a pool listens for workers of spawner servers. */
export interface ReturnAddress {
  /** The host name to listen on and to send to workers, if one was given. */
  readonly hostname: string | undefined;
  /** The port; 0 is any that is free. */
  readonly port: number;
}

type NetAddress = Exclude<Address, { transport: "unix" }>;

/** Connects to a spawner server, whose workers connect back over TCP. */
export class ServerConnector implements Connector {
  readonly kind = "spawner";
  /** Never resolves: only the end of the connection shows that it is lost. */
  readonly lost: Promise<HostError> = new Promise(() => {});

  readonly #settings: HostSettings;
  readonly #token: string;
  readonly #request: WorkerRequest;
  readonly #returnAddress: ReturnAddress;
  readonly #services: PoolServices;
  readonly #closing = new AbortController();
  /** The connection until it is handed over. */
  #connection: Connection | undefined;
  #secret: Uint8Array<ArrayBuffer> | undefined;

  /** Constructs a connector that does nothing yet. */
  constructor(
    settings: HostSettings,
    token: string,
    request: WorkerRequest,
    returnAddress: ReturnAddress,
    services: PoolServices,
  ) {
    this.#settings = settings;
    this.#token = settings.token ?? token;
    this.#request = request;
    this.#returnAddress = returnAddress;
    this.#services = services;
  }

  /** The secret that only this pool and the server can derive. */
  get secret(): Uint8Array<ArrayBuffer> {
    return this.#secret!;
  }

  async connect(_timeout: number): Promise<SpawnerConnection> {
    const tcp = await this.#connect();
    const { hostname } = tcp.localAddr as Deno.NetAddr;
    const connection = await this.#secure(tcp);
    try {
      this.#secret = await introducePool(connection, this.#token);
    } catch (cause) {
      throw this.#explainHandshake(cause);
    }
    const request = await this.#sessionRequest(hostname);
    this.#closing.signal.throwIfAborted();
    this.#connection = undefined;
    return { channel: new Channel(connection), request };
  }

  explain(failure: ConnectorFailure): HostError {
    if (failure.code === "timeout") {
      return this.#error(
        "connection",
        `the spawner server at ${this.#place} didn't answer within ${failure.timeout} ms`,
      );
    }
    const { cause } = failure;
    return this.#error(
      "connection",
      `the connection to the spawner server at ${this.#place} ended (${
        cause ?? "closed"
      })`,
      cause,
    );
  }

  // deno-lint-ignore require-await
  async close(reason: Error): Promise<void> {
    this.#closing.abort(reason);
    this.#connection?.close();
    this.#connection = undefined;
  }

  get #place(): string {
    const { hostname, port = SPAWNER_PORT } = this.#settings;
    return formatPlace(hostname, port);
  }

  async #connect(): Promise<Deno.TcpConn> {
    const { hostname, port = SPAWNER_PORT } = this.#settings;
    const { signal } = this.#closing;
    try {
      const connection = await Deno.connect({ hostname, port, signal });
      connection.setNoDelay();
      if (!signal.aborted) return connection;
      connection.close();
      throw signal.reason;
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw await this.#explainConnection(cause);
    }
  }

  /** Encrypts the connection, if the host has the option `tls`. */
  async #secure(tcp: Deno.TcpConn): Promise<Connection> {
    const { tls = false } = this.#settings;
    if (tls === false) return this.#connection = tcp;
    const { caCerts, serverName } = tls === true ? {} : tls;
    const hostname = serverName ?? this.#settings.hostname;
    try {
      const connection = await startTls(tcp, {
        hostname,
        ...(caCerts === undefined ? {} : { caCerts: [...caCerts] }),
      });
      // A handshake may never end, and close() must be able to cancel it.
      this.#connection = connection;
      await connection.handshake();
      return connection;
    } catch (cause) {
      throw this.#error(
        "host key",
        `the TLS connection to the server at ${this.#place} failed (${cause}): start the server with --tls-cert and --tls-key; its certificate must be for '${hostname}' (or set the host's option 'tls.serverName') and be signed by a trusted authority (or set the host's option 'tls.caCerts')`,
        cause,
      );
    }
  }

  /** Listens where the server's machine can reach this one. */
  async #sessionRequest(reached: string): Promise<SessionRequest> {
    const { hostname } = this.#returnAddress;
    const secured = (this.#settings.tls ?? false) !== false;
    const address = await this.#listen(
      secured ? "tls" : "tcp",
      hostname ?? reached,
    );
    const isNamed = hostname !== undefined && !isWildcard(hostname);
    return {
      ...this.#request,
      address: formatAddress({
        ...address,
        hostname: isNamed ? hostname : "",
      }),
      ...(secured ? { certificate: await this.#services.certificate() } : {}),
    };
  }

  async #listen(
    transport: "tcp" | "tls",
    hostname: string,
  ): Promise<NetAddress> {
    const { port } = this.#returnAddress;
    try {
      const address = { transport, hostname, port };
      return await this.#services.listen(address) as NetAddress;
    } catch (cause) {
      const place = port === 0 ? hostname : formatPlace(hostname, port);
      throw this.#error(
        "worker",
        `this machine can't listen on ${place} for its workers (${cause}): check the pool's option 'listen'`,
        cause,
      );
    }
  }

  async #explainConnection(cause: unknown): Promise<HostError> {
    const { hostname } = this.#settings;
    if (cause instanceof Deno.errors.ConnectionRefused) {
      return this.#error(
        "connection",
        `no spawner server listens on ${this.#place}: start one there with 'deno run -A jsr:@distex/pool/server', or write ssh://${this.#place} if ssh is meant`,
        cause,
      );
    }
    if (await isNameFailure(cause, hostname)) {
      return this.#error(
        "name",
        `the host name '${hostname}' is not known (${cause})`,
        cause,
      );
    }
    return this.#error(
      "connection",
      `${this.#place} can't be reached (${cause})`,
      cause,
    );
  }

  #explainHandshake(cause: unknown): HostError {
    const code = cause instanceof HandshakeError ? cause.code : undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    switch (code) {
      case "secret":
        return this.#error(
          "key",
          `the spawner server at ${this.#place} and this pool don't have the same token: give the server's token as the option 'token'`,
          cause,
        );
      case "version":
        return this.#error("version", reason, cause);
      default:
        return this.#error(
          "connection",
          `the program at ${this.#place} doesn't answer like a spawner server (${reason}); if it is one, it may require TLS (the host's option 'tls'), or have too many connections`,
          cause,
        );
    }
  }

  #error(step: HostStep, reason: string, cause?: unknown): HostError {
    const { name } = this.#settings;
    const message = `Can't use the host ${name}: ${reason}`;
    return new HostError(name, step, message, { cause });
  }
}

/**
 * Whether a connection failed because its host name isn't known. In that case,
 * and for some rare other failures, `Deno.connect()` throws a plain `Error`
 * without a code. Asking the same resolver through `node:dns` settles it.
 */
async function isNameFailure(
  cause: unknown,
  hostname: string,
): Promise<boolean> {
  if (!(cause instanceof Error)) return false;
  if (Object.getPrototypeOf(cause) !== Error.prototype) return false;
  // Asking the resolver would prompt the user.
  if (!isGranted({ name: "net", host: hostname })) return true;
  try {
    await lookup(hostname);
    return false;
  } catch {
    return true;
  }
}

/** Encrypts a connection, or closes it. */
async function startTls(
  tcp: Deno.TcpConn,
  options: Deno.StartTlsOptions,
): Promise<Deno.TlsConn> {
  try {
    return await Deno.startTls(tcp, options);
  } catch (error) {
    try {
      tcp.close();
    } catch {
      // Deno has already closed it, unless it refused the options.
    }
    throw error;
  }
}

function isWildcard(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}
