import type { V8Serializer } from "../codec/v8_serializer.ts";
import type { Connection } from "./connection.ts";
import { readBlob } from "../codec/blobs.ts";
import { FrameReader } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import { OutgoingFrame, type Piece, type Slice } from "./outgoing_frame.ts";
import { Queue } from "../util/queue.ts";

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
  #onLarge: (() => void) | undefined;
  /** Large frames that others may overtake. */
  readonly #slowFrames = new Queue<OutgoingFrame>();
  #writing: Promise<void> | undefined;
  #flushDue = false;
  /** Whether messages are being sent that others may not overtake. */
  #isFlushing = false;
  #flushed: PromiseWithResolvers<void> | undefined;
  #closed = false;
  #writeError: unknown;

  /** Constructs a channel over an authenticated connection. */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#reader = new FrameReader(connection, () => this.#onLarge?.());
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

  /** How many bytes are missing of a large message that arrives in parts. */
  get missingBytes(): number {
    return this.#reader.missingBytes;
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
   * @param onLarge Called when a large message begins to arrive in parts.
   * @throws If the connection breaks, or a message is malformed.
   */
  async receive(
    onMessage: (message: unknown[], byteLength: number) => void,
    onLarge?: () => void,
  ): Promise<void> {
    this.#onLarge = onLarge;
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

  /**
   * Waits until everything that was written is sent, except large messages that
   * others may overtake.
   */
  async flushed(): Promise<void> {
    this.flush();
    if (!this.#flushDue && !this.#isFlushing) return;
    this.#flushed ??= Promise.withResolvers();
    await this.#flushed.promise;
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
      while (!this.#closed) {
        if (this.#flushDue) {
          this.#flushDue = false;
          this.#isFlushing = true;
          for (const piece of this.writer.take()) {
            if (piece instanceof OutgoingFrame) {
              await this.#writeFrame(piece);
              continue;
            }
            // Most flushes need no further promises.
            const written = isIntact(piece)
              ? await this.#connection.write(piece.content)
              : 0;
            if (written < piece.length) await this.#writeRest(piece, written);
          }
          this.writer.recycle();
          if (!this.#flushDue) this.#endFlush();
        } else if (this.#slowFrames.length === 0) break;
        // Messages that were flushed meanwhile pass between two parts.
        if (this.#slowFrames.length > 0) await this.#writeSlowPart();
      }
    } catch (error) {
      this.#writeError = error;
      this.writer.recycle();
      // If the peer hung up, let receive() drain its data.
      if (!hasHungUp(error)) this.close();
    }
    this.#slowFrames.drain();
    this.writer.sentAll();
    this.#endFlush();
    this.#writing = undefined;
  }

  #endFlush(): void {
    this.#isFlushing = false;
    this.#flushed?.resolve();
    this.#flushed = undefined;
  }

  async #writeFrame(frame: OutgoingFrame): Promise<void> {
    if (frame.mayBeOvertaken) return this.#slowFrames.push(frame);
    // Parts of two frames can't be told apart.
    while (this.#slowFrames.length > 0) await this.#writeSlowPart();
    while (!frame.isComplete) await this.#writePart(frame);
  }

  /** Writes a part of the first frame that may be overtaken. */
  async #writeSlowPart(): Promise<void> {
    const frame = this.#slowFrames.peek()!;
    // The peer may have the whole frame before the write returns.
    if (frame.isEnding) this.writer.leaves();
    await this.#writePart(frame);
    if (!frame.isComplete) return;
    this.#slowFrames.shift();
    this.writer.sent();
  }

  async #writePart(frame: OutgoingFrame): Promise<void> {
    for (const slice of frame.next()) await this.#writeSlice(slice);
  }

  /** Writes a piece of which this many bytes were written. */
  #writeRest({ content, length }: Piece, written: number): Promise<void> {
    return this.#writeSlice({ content, length, start: written, end: length });
  }

  /** Writes bytes of a piece, without another promise if they are in memory. */
  #writeSlice({ content, length, start, end }: Slice): Promise<void> {
    return ArrayBuffer.isView(content)
      ? this.#writeBytes(content, length, start, end)
      : this.#writeBlob(content, start, end);
  }

  async #writeBlob(blob: Blob, start: number, end: number): Promise<void> {
    while (start < end && !this.#closed) {
      const next = Math.min(start + BLOB_PART_BYTES, end);
      const bytes = await readBlob(blob, start, next);
      await this.#writeBytes(bytes, next - start, 0, next - start);
      start = next;
    }
  }

  /**
   * Writes bytes of a piece. If its memory was transferred meanwhile, its bytes
   * are lost, and zeros take their place: the frame must have its announced
   * length.
   */
  async #writeBytes(
    bytes: Uint8Array,
    length: number,
    start: number,
    end: number,
  ): Promise<void> {
    while (start < end) {
      const rest = bytes.length !== length
        ? new Uint8Array(end - start)
        : start === 0 && end === length
        ? bytes
        : bytes.subarray(start, end);
      start += await this.#connection.write(rest);
    }
  }
}

/** Returns whether a piece is bytes whose memory wasn't transferred. */
function isIntact(
  piece: Piece,
): piece is Piece & { content: Uint8Array } {
  const { content, length } = piece;
  return ArrayBuffer.isView(content) && content.length === length;
}

function hasHungUp(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}
