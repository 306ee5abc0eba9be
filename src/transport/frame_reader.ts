import { Decoder } from "../codec/decoder.ts";
import { SPARE_BYTES, SpareBuffers } from "../codec/spare_buffers.ts";
import type { V8Serializer } from "../codec/v8_serializer.ts";
import { MAX_FRAME_BYTES } from "../codec/wire_limits.ts";

/** The size of the buffer of a connection that receives little, in bytes. */
const SMALL_BYTES = 4_096;

/** The size of the largest frame that shares its buffer with others. */
const CHUNK_BYTES = SPARE_BYTES;

/** How many reads in a row must bring little before the buffer shrinks. */
const SMALL_READS = 8;

/** Buffers of {@linkcode CHUNK_BYTES} that no reader uses. */
const spareBuffers = new SpareBuffers();

/** A source of bytes: the used part of `Deno.Conn`. */
export interface ByteSource {
  /** Fills part of a buffer; returns how many bytes, or `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
}

/** The connection has ended within a frame. */
export class CutShortError extends RangeError {}

/**
 * Reads frames: many small ones with one read, and each large one into a buffer
 * of its own. Binary values of a large frame are views of its buffer.
 */
export class FrameReader {
  readonly #source: ByteSource;
  readonly #decoder = new Decoder();
  /** The buffer for small frames. It is large while they fill it. */
  #chunk: Uint8Array<ArrayBuffer> | undefined = new Uint8Array(SMALL_BYTES);
  #bytes = this.#chunk!;
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  /** How many reads in a row have brought little. */
  #smallReads = 0;

  /** Constructs a reader of frames from a connection. */
  constructor(source: ByteSource) {
    this.#source = source;
    this.#decoder.use(this.#bytes);
  }

  /** Accepts values with shared references and cycles. */
  useSerializer(serializer: V8Serializer): void {
    this.#decoder.serializer = serializer;
  }

  /** Whether only part of a frame has arrived. */
  get isWithinFrame(): boolean {
    return this.#start !== this.#end;
  }

  /**
   * Waits for bytes, and decodes each message that they complete.
   *
   * @param onMessage Called with each message and the size of its frame in
   * bytes.
   * @returns Whether more bytes may follow.
   * @throws {RangeError} If a frame is too large, malformed or cut short.
   */
  async read(
    onMessage: (message: unknown[], byteLength: number) => void,
  ): Promise<boolean> {
    const count = await this.#source.read(
      this.#end === 0 ? this.#bytes : this.#bytes.subarray(this.#end),
    );
    if (count === null) {
      if (!this.isWithinFrame) return false;
      throw new CutShortError(
        "Malformed message: the connection ended within it",
      );
    }
    this.#end += count;
    this.#smallReads = count <= SMALL_BYTES ? this.#smallReads + 1 : 0;
    const isFull = this.#end === this.#bytes.length;
    this.#passOn(onMessage);
    this.#makeRoom(isFull);
    return true;
  }

  #passOn(onMessage: (message: unknown[], byteLength: number) => void): void {
    let gaveViews = false;
    while (this.#end - this.#start >= 4) {
      const length = this.#view.getUint32(this.#start);
      if (length > MAX_FRAME_BYTES) {
        throw new RangeError(
          `Malformed message: a frame has ${length} bytes, which exceeds the limit of ${MAX_FRAME_BYTES}`,
        );
      }
      const start = this.#start + 4;
      if (this.#end - start < length) break;
      const message = this.#decoder.message(start, start + length);
      this.#start = start + length;
      if (this.#decoder.gaveViews) gaveViews = true;
      onMessage(message, length + 4);
    }
    if (!gaveViews) return;
    // From now on the buffer belongs to the values that are views of it.
    if (this.#bytes !== this.#chunk) return this.#useChunk(0);
    const { length } = this.#chunk;
    this.#chunk = undefined;
    this.#useChunk(length);
  }

  /**
   * Makes room for the rest of a frame, or for the next frames.
   *
   * @param isFull Whether the last read has filled the buffer.
   */
  #makeRoom(isFull: boolean): void {
    const rest = this.#end - this.#start;
    if (rest === 0) {
      this.#start = this.#end = 0;
      const isLarge = this.#chunk?.length === CHUNK_BYTES;
      if (this.#bytes !== this.#chunk) {
        this.#useChunk(0);
      } else if (isLarge ? this.#smallReads >= SMALL_READS : isFull) {
        this.#useChunk(isLarge ? 0 : CHUNK_BYTES);
      }
      return;
    }
    const needed = rest < 4 ? 4 : this.#view.getUint32(this.#start) + 4;
    if (needed > CHUNK_BYTES) {
      // Growing at each read would be slow: a read may bring a single byte.
      const isDue = this.#bytes === this.#chunk ||
        this.#end === this.#bytes.length;
      if (isDue && this.#bytes.length - this.#start < needed) {
        this.#grow(needed);
      }
    } else if (
      this.#bytes.length < CHUNK_BYTES && (isFull || needed > SMALL_BYTES)
    ) {
      this.#useChunk(CHUNK_BYTES);
    } else if (this.#start > 0) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
  }

  /**
   * Enlarges the buffer of a large frame as its bytes arrive: an announced
   * length alone allocates no memory. The buffer ends at a multiple of 8 bytes,
   * which aligns a typed array that is the frame's only attachment.
   */
  #grow(needed: number): void {
    const received = this.#end - this.#start;
    const most = Math.max(received * 16, 16 * CHUNK_BYTES);
    const size = Math.min(needed, most);
    const offset = (8 - needed % 8) % 8;
    this.#use(new Uint8Array(new ArrayBuffer(offset + size), offset));
  }

  /** Switches to a buffer for small frames that has room for `least` bytes. */
  #useChunk(least: number): void {
    const chunk = this.#chunk;
    const length = least <= SMALL_BYTES ? SMALL_BYTES : CHUNK_BYTES;
    if (chunk?.length !== length) {
      this.#chunk = length === SMALL_BYTES
        ? new Uint8Array(SMALL_BYTES)
        : spareBuffers.take();
    }
    this.#use(this.#chunk!);
    if (chunk !== undefined && chunk !== this.#chunk) spareBuffers.give(chunk);
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    const rest = this.#bytes.subarray(this.#start, this.#end);
    bytes.set(rest);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset);
    this.#decoder.use(bytes);
    this.#start = 0;
    this.#end = rest.length;
  }
}
