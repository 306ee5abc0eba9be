import { FrameReader } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";

/**
 * Messages over one connection, both ways.
 *
 * What is written to {@linkcode Channel.writer} leaves with the next
 * {@linkcode Channel.flush}; while one flush is under way, what comes after it
 * is collected and leaves as one.
 */
export class Channel {
  /** Where messages are written to. */
  readonly writer = new FrameWriter();

  readonly #connection: Deno.Conn;
  readonly #reader: FrameReader;
  #writing: Promise<void> | undefined;
  #closed = false;

  /** Constructs a channel over an authenticated connection. */
  constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.#reader = new FrameReader(connection);
    if (connection.localAddr.transport === "tcp") {
      (connection as Deno.TcpConn).setNoDelay(true);
    }
  }

  /** Whether the channel was closed from this side or is at its end. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Lets the program end although the channel is open. */
  unref(): void {
    (this.#connection as Deno.TcpConn | Deno.UnixConn).unref();
  }

  /**
   * Passes on each message that arrives until the connection ends.
   *
   * @param onMessage Called with a message and the bytes its frame takes.
   * @throws If the connection breaks, or what arrives is malformed.
   */
  async receive(
    onMessage: (message: unknown[], byteLength: number) => void,
  ): Promise<void> {
    try {
      while (await this.#reader.read(onMessage));
    } catch (error) {
      if (!this.#closed) throw error;
    } finally {
      this.close();
    }
  }

  /** Sends what was written, now or as soon as the flush under way is done. */
  flush(): void {
    if (this.#writing !== undefined || this.#closed) return;
    if (this.writer.byteLength > 0) this.#writing = this.#write();
  }

  /** Waits until all that was written has left. */
  async drained(): Promise<void> {
    this.flush();
    await this.#writing;
  }

  /** Ends the connection; what wasn't flushed is lost. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  async #write(): Promise<void> {
    try {
      while (this.writer.byteLength > 0 && !this.#closed) {
        for (const piece of this.writer.take()) await this.#writeAll(piece);
        this.writer.recycle();
      }
    } catch {
      // A broken connection is reported once, by receive().
      this.close();
    }
    this.#writing = undefined;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let written = await this.#connection.write(bytes);
    while (written < bytes.length) {
      written += await this.#connection.write(bytes.subarray(written));
    }
  }
}
