import { pause } from "../util/pause.ts";
import type { Address } from "./address.ts";
import type { Certificate } from "./certificate.ts";
import { Channel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { TlsServer } from "./tls_server.ts";
import { UnauthenticatedConnections } from "./unauthenticated_connections.ts";

/** The pause after `accept()` has failed, in milliseconds. */
const ACCEPT_PAUSE = 100;

/** How a listener authenticates connections, and where it reports them. */
export interface ListenerOptions<Identity> {
  /** Authenticates a peer, or throws. */
  readonly authenticate: (connection: Connection) => Promise<Identity>;
  /** Called with each authenticated peer and the channel to it. */
  readonly onChannel: (
    identity: Identity,
    channel: Channel,
    connection: Connection,
  ) => void;
  /** Called when authentication has failed; by default, nothing happens. */
  readonly onRefused?: (reason: unknown, connection: Connection) => void;
  /** Called when `accept()` has failed; by default, nothing happens. */
  readonly onAcceptError?: (error: unknown) => void;
  /** Returns how many connections are expected; by default, none. */
  readonly expected?: () => number;
  /**
   * How long a peer may take to authenticate itself, in milliseconds, while
   * none is expected. A TLS handshake may take as long before that.
   *
   * @default {5_000}
   */
  readonly handshakeTimeout?: number;
}

/** Accepts connections, authenticates their peers, and hands over channels. */
export class AuthenticatedListener<Identity> {
  readonly #options: ListenerOptions<Identity>;
  readonly #unauthenticated: UnauthenticatedConnections;
  #listener: { close(): void } | undefined;
  #closed = false;

  /** Constructs a listener that does not listen yet. */
  constructor(options: ListenerOptions<Identity>) {
    this.#options = options;
    const { expected, handshakeTimeout } = options;
    this.#unauthenticated = new UnauthenticatedConnections(
      expected,
      handshakeTimeout,
    );
  }

  /**
   * Listens on an address, without keeping the program alive.
   *
   * @param address The address; port 0 is any free port.
   * @param certificate The certificate of a `tls` address.
   * @returns The address with its actual port.
   * @throws {Error} If it can't listen there.
   */
  async listen(
    address: Address,
    certificate?: Certificate,
  ): Promise<Address> {
    if (address.transport === "tls") {
      const { hostname, port } = address;
      const server = await TlsServer.listen(
        hostname,
        port,
        certificate!,
        (connection) => this.#authenticate(connection),
        () => this.#unauthenticated.limit,
        this.#options.handshakeTimeout,
      );
      this.#listener = server;
      if (this.#closed) server.close();
      return { ...address, port: server.port };
    }
    const listener = address.transport === "unix"
      ? Deno.listen({ transport: "unix", path: address.path })
      : Deno.listen({ hostname: address.hostname, port: address.port });
    listener.unref();
    this.serve(listener);
    if (address.transport === "unix") return address;
    return { ...address, port: (listener.addr as Deno.NetAddr).port };
  }

  /** Serves a listener that is already open, and closes it at the end. */
  serve(listener: Deno.Listener): void {
    this.#listener = listener;
    this.#acceptAll(listener);
  }

  /** Authenticates the peer of a connection that was accepted elsewhere. */
  admit(connection: Connection): void {
    if (this.#closed) return connection.close();
    this.#authenticate(connection);
  }

  /** Stops listening, and closes connections that aren't authenticated. */
  close(): void {
    this.#closed = true;
    this.#listener?.close();
    this.#unauthenticated.closeAll();
  }

  async #acceptAll(listener: Deno.Listener): Promise<void> {
    while (!this.#closed) {
      try {
        this.#authenticate(await listener.accept());
      } catch (error) {
        if (this.#closed) return;
        this.#options.onAcceptError?.(error);
        // Too many files may be open, which is usually temporary.
        await pause(ACCEPT_PAUSE);
      }
    }
  }

  async #authenticate(connection: Connection): Promise<void> {
    const { authenticate, onChannel, onRefused } = this.#options;
    // An unauthenticated peer must not keep the program alive.
    connection.unref();
    let identity: Identity | undefined;
    try {
      identity = await this.#unauthenticated
        .authenticate(connection, authenticate);
    } catch (error) {
      return onRefused?.(error, connection);
    }
    if (identity === undefined) return;
    const channel = new Channel(connection);
    channel.unref();
    onChannel(identity, channel, connection);
  }
}
