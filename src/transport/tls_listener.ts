import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { HANDSHAKE_TIMEOUT } from "./unauthenticated_connections.ts";
import type { Connection } from "./connection.ts";
import type { Certificate } from "./certificate.ts";

/** More bytes than anyone has to say before they have proved themselves. */
const MAX_UNREAD = 65_536;

/**
 * Listens for TLS connections.
 *
 * Deno's own TLS listener keeps the program from ending, and holds back small
 * pieces of what it sends for some 40 ms; that of `node:tls` needn't.
 */
export class TlsListener {
  /** The port it listens at. */
  readonly port: number;
  readonly #server: Server;
  readonly #maxStrangers: () => number;
  /** Connections that aren't encrypted yet, by where they come from. */
  readonly #strangers = new Map<string, Socket>();

  private constructor(server: Server, maxStrangers: () => number) {
    this.#server = server;
    this.#maxStrangers = maxStrangers;
    server.on("connection", (socket: Socket) => this.#expect(socket));
    server.on(
      "secureConnection",
      (socket: TLSSocket) => this.#strangers.delete(origin(socket)),
    );
    this.port = (server.address() as { port: number }).port;
  }

  /**
   * Begins to listen.
   *
   * @param onConnection Called with each connection, once it is encrypted.
   * @param maxStrangers Tells how many connections may be on the way there;
   * then the oldest goes.
   */
  static async listen(
    hostname: string,
    port: number,
    certificate: Certificate,
    onConnection: (connection: Connection) => void,
    maxStrangers: () => number,
  ): Promise<TlsListener> {
    const server = createServer(
      { ...certificate, noDelay: true, handshakeTimeout: HANDSHAKE_TIMEOUT },
      (socket: TLSSocket) => onConnection(new TlsConnection(socket)),
    );
    server.unref();
    server.listen(port, hostname);
    await once(server, "listening");
    return new TlsListener(server, maxStrangers);
  }

  /** Stops listening, and hangs up on those that aren't encrypted yet. */
  close(): void {
    this.#server.close();
    for (const socket of this.#strangers.values()) socket.destroy();
    this.#strangers.clear();
  }

  #expect(socket: Socket): void {
    const [oldest] = this.#strangers;
    if (this.#strangers.size >= this.#maxStrangers()) {
      const [from, socket] = oldest!;
      this.#strangers.delete(from);
      socket.destroy();
    }
    const from = origin(socket);
    this.#strangers.set(from, socket);
    socket.once("close", () => this.#strangers.delete(from));
    // A stranger doesn't keep the program from ending.
    socket.unref();
  }
}

/** A TLS socket as a {@linkcode Connection}. */
class TlsConnection implements Connection {
  /** `node:tls` ends one that was reset like any other. */
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
      // Pausing doesn't keep `node:tls` from reading on.
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
    // The other side gets all that was written, then the end.
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

/** An error of `node:tls` as a `Deno.Conn` would have thrown it. */
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

/** Where a connection comes from. */
function origin({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
