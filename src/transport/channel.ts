import type { Connection } from "./connection.ts";
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
  readonly writer: FrameWriter = new FrameWriter();

  readonly #connection: Connection;
  readonly #reader: FrameReader;
  #writing: Promise<void> | undefined;
  #flushDue = false;
  #closed = false;
  #writeError: unknown;

  /** Constructs a channel over an authenticated connection. */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#reader = new FrameReader(connection);
    connection.setNoDelay?.();
    connection.trust?.();
  }

  /** Whether the channel was closed from this side or is at its end. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Why nothing can be sent any more, if that was found out by sending. */
  get writeError(): unknown {
    return this.#writeError;
  }

  /** Whether a reset may look like an end. */
  get hidesResets(): boolean {
    return this.#connection.hidesResets ?? false;
  }

  /** Whether part of a message has come, and the rest hasn't. */
  get isWithinMessage(): boolean {
    return this.#reader.isWithinFrame;
  }

  /** Whether something that was flushed hasn't left. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Lets the program end although the channel is open. */
  unref(): void {
    this.#connection.unref();
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
    if (this.writer.byteLength === 0) return;
    if (this.#closed || this.#writeError !== undefined) {
      return this.writer.discard();
    }
    this.#flushDue = true;
    this.#writing ??= this.#write();
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
      while (this.#flushDue && !this.#closed) {
        this.#flushDue = false;
        const pieces = this.writer.take();
        const lengths = pieces.map(({ length }) => length);
        for (let index = 0; index < pieces.length; index++) {
          await this.#writeAll(pieces[index]!, lengths[index]!);
        }
        this.writer.recycle();
      }
    } catch (error) {
      this.#writeError = error;
      // Of an other side that hung up, receive() reads what it sent before.
      if (!hasHungUp(error)) this.close();
    }
    this.#writing = undefined;
  }

  /**
   * A value whose memory is transferred before it is written is lost; zeros in
   * its place keep the frame as long as it says.
   */
  async #writeAll(bytes: Uint8Array, length: number): Promise<void> {
    for (let written = 0; written < length;) {
      const rest = bytes.length !== length
        ? new Uint8Array(length - written)
        : written === 0
        ? bytes
        : bytes.subarray(written);
      written += await this.#connection.write(rest);
    }
  }
}

function hasHungUp(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}
