import { once } from "node:events";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Connection } from "../wire/connection.ts";
import type { Certificate } from "./certificate.ts";

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

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  /**
   * Begins to listen.
   *
   * @param onConnection Called with each connection, once it is encrypted.
   */
  static async listen(
    hostname: string,
    port: number,
    certificate: Certificate,
    onConnection: (connection: Connection) => void,
  ): Promise<TlsListener> {
    const server = createServer(
      { ...certificate, noDelay: true },
      (socket: TLSSocket) => onConnection(new TlsConnection(socket)),
    );
    server.unref();
    server.listen(port, hostname);
    await once(server, "listening");
    return new TlsListener(server);
  }

  /** Stops listening. */
  close(): void {
    this.#server.close();
  }
}

/** A TLS socket as a {@linkcode Connection}. */
class TlsConnection implements Connection {
  readonly #socket: TLSSocket;
  readonly #received: Uint8Array[] = [];
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => {
      this.#received.push(bytes);
      this.#wake?.();
    });
    socket.on("error", (error: Error) => this.#end(error));
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
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(
        bytes,
        (error) => error ? reject(error) : resolve(bytes.length),
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

  #end(error?: Error): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake?.();
  }
}
