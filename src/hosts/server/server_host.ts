import { HostError, type HostStep } from "../../errors/host_error.ts";
import type { WorkerProcess } from "../../spawner/spawner.ts";
import { isTimeout, withinLimit } from "../../util/within_limit.ts";
import {
  type Address,
  formatAddress,
  formatPlace,
  SPAWNER_PORT,
} from "../../transport/address.ts";
import { Channel } from "../../transport/channel.ts";
import type { Connection } from "../../transport/connection.ts";
import { introducePool } from "../../transport/handshake.ts";
import type {
  MachineInfo,
  SessionRequest,
} from "../../protocol/spawner_messages.ts";
import type { Host } from "../host.ts";
import type { HostContext } from "../host_context.ts";
import type { HostSettings } from "../../options/host_spec.ts";
import { RemoteSpawner } from "../remote/remote_spawner.ts";
import type { WorkerRequest } from "../ssh/ssh_host.ts";

/** Where a pool listens for workers at spawner servers. */
export interface ReturnAddress {
  /** The host name to listen on and to send to workers, if it was given. */
  readonly hostname: string | undefined;
  /** The port; 0 is any that is free. */
  readonly port: number;
}

type NetAddress = Exclude<Address, { transport: "unix" }>;

/** Workers that a spawner server starts, which connect back over TCP. */
export class ServerHost implements Host {
  readonly kind = "spawner";
  readonly name: string;
  /** What is known of the machine, once the host is open. */
  machine: MachineInfo | undefined;

  readonly #settings: HostSettings;
  readonly #token: string;
  readonly #request: WorkerRequest;
  readonly #returnAddress: ReturnAddress;
  readonly #context: HostContext;
  readonly #lost = Promise.withResolvers<Error>();
  #secret: Uint8Array<ArrayBuffer> | undefined;
  #connection: Connection | undefined;
  readonly #closing = new AbortController();
  #spawner: RemoteSpawner | undefined;

  /** Constructs a host that does nothing yet. */
  constructor(
    settings: HostSettings,
    token: string,
    request: WorkerRequest,
    returnAddress: ReturnAddress,
    context: HostContext,
  ) {
    this.name = settings.name;
    this.#settings = settings;
    this.#token = settings.token ?? token;
    this.#request = request;
    this.#returnAddress = returnAddress;
    this.#context = context;
  }

  /** The secret that only this pool and the server can work out. */
  get secret(): Uint8Array<ArrayBuffer> {
    return this.#secret!;
  }

  /** Resolves to the reason when the connection has ended that was open. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /** The spawner over there, once the host is open. */
  get spawner(): RemoteSpawner {
    return this.#spawner!;
  }

  async open(timeout: number): Promise<number> {
    try {
      this.machine = await withinLimit(this.#open(), timeout);
    } catch (error) {
      const isKnown = error instanceof HostError;
      if (isKnown || this.#closing.signal.aborted) throw error;
      if (!isTimeout(error)) throw this.#ended(error);
      throw this.#error(
        "connection",
        `the spawner server at ${this.#where} didn't answer within ${timeout} ms`,
        error,
      );
    }
    this.#spawner!.closed.then((reason) =>
      this.#lost.resolve(this.#ended(reason ?? "closed"))
    );
    return this.#settings.workers || this.machine.cpus;
  }

  start(worker: number): WorkerProcess {
    return this.spawner.start(worker);
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.#closing.abort(new Error("The pool was shut down"));
    if (this.#spawner !== undefined) this.#spawner.close();
    else this.#connection?.close();
  }

  get #where(): string {
    const { hostname, port = SPAWNER_PORT } = this.#settings;
    return formatPlace(hostname, port);
  }

  async #open(): Promise<MachineInfo> {
    const tcp = await this.#connect();
    if (this.#closing.signal.aborted) {
      tcp.close();
      throw this.#closing.signal.reason;
    }
    const { hostname } = tcp.localAddr as Deno.NetAddr;
    const connection = await this.#secured(tcp);
    try {
      this.#secret = await introducePool(connection, this.#token);
    } catch (cause) {
      throw this.#explainHandshake(cause);
    }
    const channel = new Channel(connection);
    const { onOutput, heartbeatTimeout } = this.#context;
    this.#spawner = new RemoteSpawner(channel, onOutput, heartbeatTimeout);
    return await this.#spawner.open(await this.#sessionRequest(hostname));
  }

  async #connect(): Promise<Deno.TcpConn> {
    const { hostname, port = SPAWNER_PORT } = this.#settings;
    try {
      const connection = await Deno.connect({
        hostname,
        port,
        signal: this.#closing.signal,
      });
      connection.setNoDelay();
      return connection;
    } catch (cause) {
      throw this.#explainConnection(cause);
    }
  }

  /** From now on {@linkcode ServerHost.close} ends the connection. */
  async #secured(tcp: Deno.TcpConn): Promise<Connection> {
    const { tls = false } = this.#settings;
    if (tls === false) return this.#connection = tcp;
    const { caCerts, serverName } = tls === true ? {} : tls;
    const hostname = serverName ?? this.#settings.hostname;
    try {
      const connection = await startTls(tcp, {
        hostname,
        ...(caCerts === undefined ? {} : { caCerts: [...caCerts] }),
      });
      // A handshake may never end.
      this.#connection = connection;
      await connection.handshake();
      return connection;
    } catch (cause) {
      throw this.#error(
        "host key",
        `there is no TLS connection to the server at ${this.#where} (${cause}): it must be started with --tls-cert and --tls-key, and its certificate must be for '${hostname}' (or the host's option 'tls.serverName') and signed by one that is trusted or given as the host's option 'tls.caCerts'`,
        cause,
      );
    }
  }

  /** Listens where the server's machine can reach this one, and says where. */
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
      ...(secured ? { certificate: await this.#context.certificate() } : {}),
    };
  }

  async #listen(
    transport: "tcp" | "tls",
    hostname: string,
  ): Promise<NetAddress> {
    const { port } = this.#returnAddress;
    try {
      const address = { transport, hostname, port };
      return await this.#context.listen(address) as NetAddress;
    } catch (cause) {
      const place = port === 0 ? hostname : formatPlace(hostname, port);
      throw this.#error(
        "worker",
        `this machine can't listen at ${place} for its workers (${cause}): check the pool's option 'listen'`,
        cause,
      );
    }
  }

  #explainConnection(cause: unknown): HostError {
    if (cause instanceof Deno.errors.ConnectionRefused) {
      return this.#error(
        "connection",
        `no spawner server listens at ${this.#where}: start one there with 'deno run -A jsr:@distex/pool/server', or write ssh://${this.#where} if ssh is meant`,
        cause,
      );
    }
    const unknown = /lookup|resolve|not known/i.test(String(cause));
    return this.#error(
      unknown ? "name" : "connection",
      unknown
        ? `the host name '${this.#settings.hostname}' is not known (${cause})`
        : `${this.#where} can't be reached (${cause})`,
      cause,
    );
  }

  #explainHandshake(cause: unknown): HostError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (/token/.test(reason)) {
      return this.#error(
        "key",
        `the spawner server at ${this.#where} and this pool don't have the same token: give the server's as the option 'token'`,
        cause,
      );
    }
    if (/version/.test(reason)) return this.#error("version", reason, cause);
    return this.#error(
      "connection",
      `what listens at ${this.#where} doesn't answer like a spawner server (${reason}); if it is one, it may want TLS (the host's option 'tls'), or have too many pools to serve`,
      cause,
    );
  }

  #ended(reason: unknown): HostError {
    return this.#error(
      "connection",
      `the connection to the spawner server at ${this.#where} ended (${reason})`,
      reason,
    );
  }

  #error(step: HostStep, what: string, cause: unknown): HostError {
    const message = `Can't use the host ${this.name}: ${what}`;
    return new HostError(this.name, step, message, { cause });
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
      // Deno has, unless it refused the options before.
    }
    throw error;
  }
}

function isWildcard(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}
