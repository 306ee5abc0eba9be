import type { V8Serializer } from "../codec/v8_serializer.ts";
import type { Connection } from "./connection.ts";
import { sizeOf } from "../codec/attachment_writer.ts";
import { readBlob } from "../codec/blobs.ts";
import { FrameReader } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";

/** How much of a blob is in memory at a time. */
const BLOB_PART_BYTES = 2 ** 20;

/**
 * Sends and receives messages over one connection.
 *
 * {@linkcode Channel.flush} sends everything that was written to
 * {@linkcode Channel.writer}. While a flush is in progress, later messages are
 * collected and sent together after it.
 */
export class Channel {
  /** Takes messages; {@linkcode Channel.flush} sends them. */
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

  /** Whether the channel was closed here, or its connection has ended. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The error of a failed write, if there was one. */
  get writeError(): unknown {
    return this.#writeError;
  }

  /** Whether a reset may look like a normal end. */
  get hidesResets(): boolean {
    return this.#connection.hidesResets ?? false;
  }

  /** Whether only part of a message has arrived. */
  get isWithinMessage(): boolean {
    return this.#reader.isWithinFrame;
  }

  /** Whether a flush is in progress. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /**
   * Keeps shared references and cycles in values from now on. Both ends must do
   * so before the first message.
   */
  useSerializer(serializer: V8Serializer): void {
    this.writer.useSerializer(serializer);
    this.#reader.useSerializer(serializer);
  }

  /** Lets the program end while the channel is open. */
  unref(): void {
    this.#connection.unref();
  }

  /**
   * Receives messages until the connection ends.
   *
   * @param onMessage Called with each message and the size of its frame in
   * bytes.
   * @throws If the connection breaks, or a message is malformed.
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

  /** Sends everything that was written, now or after the flush in progress. */
  flush(): void {
    if (this.writer.byteLength === 0) return;
    if (this.#closed || this.#writeError !== undefined) {
      return this.writer.discard();
    }
    this.#flushDue = true;
    this.#writing ??= this.#write();
  }

  /** Waits until everything that was written is sent. */
  async drained(): Promise<void> {
    this.flush();
    await this.#writing;
  }

  /** Closes the connection; messages that weren't flushed are lost. */
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
        const lengths = pieces.map(sizeOf);
        for (let index = 0; index < pieces.length; index++) {
          const piece = pieces[index]!;
          const length = lengths[index]!;
          if (ArrayBuffer.isView(piece)) await this.#writeAll(piece, length);
          else await this.#writeBlob(piece, length);
        }
        this.writer.recycle();
      }
    } catch (error) {
      this.#writeError = error;
      this.writer.recycle();
      // If the peer hung up, let receive() drain its data.
      if (!hasHungUp(error)) this.close();
    }
    this.#writing = undefined;
  }

  async #writeBlob(blob: Blob, length: number): Promise<void> {
    for (let start = 0; start < length && !this.#closed;) {
      const end = Math.min(start + BLOB_PART_BYTES, length);
      const bytes = await readBlob(blob, start, end);
      await this.#writeAll(bytes, end - start);
      start = end;
    }
  }

  /**
   * Writes a piece. If its memory was transferred meanwhile, its bytes are lost,
   * and zeros take their place: the frame must have its announced length.
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
