import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { HANDSHAKE_TIMEOUT } from "./unauthenticated_connections.ts";
import type { Connection } from "./connection.ts";
import { EvictingMap } from "./evicting_map.ts";
import type { Certificate } from "./certificate.ts";

/** How many bytes a peer may send before it is authenticated. */
const MAX_UNREAD = 65_536;

/**
 * Accepts TLS connections.
 *
 * Deno's own TLS listener keeps the program alive, and delays small writes by
 * about 40 ms. `node:tls` does neither.
 */
export class TlsServer {
  /** The port that it listens on. */
  readonly port: number;
  readonly #server: Server;
  /** Connections that aren't encrypted yet, by the address of the peer. */
  readonly #unencrypted: EvictingMap<string, Socket>;

  private constructor(server: Server, limit: () => number) {
    this.#server = server;
    this.#unencrypted = new EvictingMap(limit, (socket) => socket.destroy());
    server.on("connection", (socket: Socket) => this.#add(socket));
    server.on(
      "secureConnection",
      (socket: TLSSocket) => this.#unencrypted.delete(peerOf(socket)),
    );
    this.port = (server.address() as { port: number }).port;
  }

  /**
   * Listens on a port, without keeping the program alive.
   *
   * @param onConnection Called with each connection, once it is encrypted.
   * @param limit Returns how many connections may be in their TLS handshake.
   * Beyond that, a new connection evicts the oldest.
   * @param handshakeTimeout How long a TLS handshake may take, in milliseconds.
   * @throws {Error} If it can't listen there.
   */
  static async listen(
    hostname: string,
    port: number,
    certificate: Certificate,
    onConnection: (connection: Connection) => void,
    limit: () => number,
    handshakeTimeout: number = HANDSHAKE_TIMEOUT,
  ): Promise<TlsServer> {
    const server = createServer(
      { ...certificate, noDelay: true, handshakeTimeout },
      (socket: TLSSocket) => onConnection(new TlsConnection(socket)),
    );
    server.unref();
    server.listen(port, hostname);
    await once(server, "listening");
    return new TlsServer(server, limit);
  }

  /** Stops listening, and closes connections that aren't encrypted yet. */
  close(): void {
    this.#server.close();
    this.#unencrypted.evictAll();
  }

  #add(socket: Socket): void {
    const peer = peerOf(socket);
    this.#unencrypted.set(peer, socket);
    socket.once("close", () => this.#unencrypted.delete(peer));
    // An unauthenticated peer must not keep the program alive.
    socket.unref();
  }
}

/** A TLS socket as a {@linkcode Connection}. */
class TlsConnection implements Connection {
  /** `node:tls` reports a reset as a normal end. */
  readonly hidesResets = true;
  readonly #socket: TLSSocket;
  readonly #received: Uint8Array[] = [];
  #unread = 0;
  #trusted = false;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => {
      this.#received.push(bytes);
      this.#unread += bytes.length;
      // Pausing the socket wouldn't help: `node:tls` goes on reading.
      if (this.#unread > MAX_UNREAD && !this.#trusted) socket.destroy();
      this.#wake?.();
    });
    socket.on("error", (error: Error) => this.#end(asDenoError(error)));
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#received.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const bytes = this.#received[0]!;
    const count = Math.min(bytes.length, buffer.length);
    buffer.set(bytes.subarray(0, count));
    if (count === bytes.length) this.#received.shift();
    else this.#received[0] = bytes.subarray(count);
    this.#unread -= count;
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(
        bytes,
        (error) => error ? reject(asDenoError(error)) : resolve(bytes.length),
      );
    });
  }

  close(): void {
    // The peer still receives everything that was written.
    this.#socket.end(() => this.#socket.destroy());
    this.#end();
  }

  unref(): void {
    this.#socket.unref();
  }

  trust(): void {
    this.#trusted = true;
  }

  #end(error?: Error): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake?.();
  }
}

/** Converts an error of `node:tls` to the error that a `Deno.Conn` throws. */
function asDenoError(error: Error & { code?: string }): Error {
  const { ConnectionReset, ConnectionAborted, BrokenPipe, TimedOut } =
    Deno.errors;
  const classes: Record<string, typeof ConnectionReset | undefined> = {
    ECONNRESET: ConnectionReset,
    ECONNABORTED: ConnectionAborted,
    EPIPE: BrokenPipe,
    ETIMEDOUT: TimedOut,
  };
  const DenoError = classes[error.code ?? ""];
  return DenoError === undefined
    ? error
    : new DenoError(error.message, { cause: error });
}

/** The address of a connection's peer, as text. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
