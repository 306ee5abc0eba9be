import { Decoder } from "../codec/decoder.ts";
import { SPARE_BYTES, SpareBuffers } from "../codec/spare_buffers.ts";
import type { V8Serializer } from "../codec/v8_serializer.ts";
import { malformed } from "../codec/texts.ts";
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from "../codec/wire_limits.ts";
import { IncomingFrame } from "./incoming_frame.ts";
import { FIRST_HEADER_BYTES, PART_BYTES, PART_FLAG } from "./outgoing_frame.ts";

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

/** Called with each message and the size of its frame in bytes. */
type MessageListener = (message: unknown[], byteLength: number) => void;

/** The connection has ended within a frame. */
export class CutShortError extends RangeError {}

/**
 * Reads frames: many small ones with one read, and each large one into memory
 * of its own. Binary values of a large frame are views of its memory.
 *
 * A large frame may arrive in parts, with whole frames between them.
 */
export class FrameReader {
  readonly #source: ByteSource;
  readonly #onLarge: () => void;
  readonly #decoder = new Decoder();
  /** The buffer for headers and small frames. It is large while they fill it. */
  #bytes = new Uint8Array(SMALL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  /** How many reads in a row have brought little. */
  #smallReads = 0;
  /** The large frame that arrives whole. */
  #whole: IncomingFrame | undefined;
  /** The large frame that arrives in parts. */
  #parted: IncomingFrame | undefined;
  /** How many bytes of the current part are missing. */
  #missing = 0;

  /**
   * Constructs a reader of frames from a connection.
   *
   * @param onLarge Called when a large frame begins to arrive in parts.
   */
  constructor(source: ByteSource, onLarge: () => void = () => {}) {
    this.#source = source;
    this.#onLarge = onLarge;
    this.#decoder.use(this.#bytes);
  }

  /** Accepts values with shared references and cycles. */
  useSerializer(serializer: V8Serializer): void {
    this.#decoder.serializer = serializer;
  }

  /** Whether only part of a frame has arrived. */
  get isWithinFrame(): boolean {
    return this.#start !== this.#end || this.#whole !== undefined ||
      this.#parted !== undefined;
  }

  /** How many bytes are missing of the frame that arrives in parts. */
  get missingBytes(): number {
    return this.#parted?.missing ?? 0;
  }

  /**
   * Waits for bytes, and decodes each message that they complete.
   *
   * @returns Whether more bytes may follow.
   * @throws {RangeError} If a frame is too large, malformed or cut short.
   */
  async read(onMessage: MessageListener): Promise<boolean> {
    const large = this.#whole ?? (this.#missing > 0 ? this.#parted : undefined);
    const isDirect = large !== undefined && this.#start === this.#end;
    const room = isDirect
      ? large.room(this.#missing)
      : this.#end === 0
      ? this.#bytes
      : this.#bytes.subarray(this.#end);
    const count = await this.#source.read(room);
    if (count === null) {
      if (!this.isWithinFrame) return false;
      throw new CutShortError(
        "Malformed message: the connection ended within it",
      );
    }
    if (isDirect) {
      large.fill(count);
      this.#missing -= count;
      this.#finish(large, onMessage);
      return true;
    }
    this.#end += count;
    this.#smallReads = count <= SMALL_BYTES ? this.#smallReads + 1 : 0;
    const isFull = this.#end === this.#bytes.length;
    this.#passOn(onMessage);
    this.#makeRoom(isFull);
    return true;
  }

  /** Handles everything in the buffer that is complete. */
  #passOn(onMessage: MessageListener): void {
    let gaveViews = false;
    while (this.#start < this.#end) {
      if (this.#missing > 0) {
        this.#appendRest(onMessage);
        continue;
      }
      if (this.#end - this.#start < 4) break;
      const prefix = this.#view.getUint32(this.#start);
      if (prefix >= PART_FLAG) {
        if (!this.#beginPart(prefix - PART_FLAG)) break;
        continue;
      }
      if (prefix > MAX_FRAME_BYTES) throw tooLarge(prefix, MAX_FRAME_BYTES);
      const start = this.#start + 4;
      if (prefix + 4 > CHUNK_BYTES) {
        this.#start = start;
        this.#whole = new IncomingFrame(prefix);
        this.#missing = prefix;
        continue;
      }
      if (this.#end - start < prefix) break;
      const message = this.#decoder.message(start, start + prefix);
      this.#start = start + prefix;
      if (this.#decoder.gaveViews) gaveViews = true;
      onMessage(message, prefix + 4);
    }
    // From now on the buffer belongs to the values that are views of it.
    if (gaveViews) this.#use(makeBuffer(this.#bytes.length));
  }

  /**
   * Begins a part of a frame.
   *
   * @returns Whether its header was complete.
   */
  #beginPart(length: number): boolean {
    if (length > PART_BYTES) {
      throw malformed(`a part of a frame has ${length} bytes`);
    }
    let frame = this.#parted;
    if (frame === undefined) {
      if (this.#end - this.#start < FIRST_HEADER_BYTES) return false;
      const byteLength = this.#view.getUint32(this.#start + 4) * 2 ** 32 +
        this.#view.getUint32(this.#start + 8);
      if (byteLength > MAX_MESSAGE_BYTES) {
        throw tooLarge(byteLength, MAX_MESSAGE_BYTES);
      }
      frame = new IncomingFrame(byteLength);
      this.#start += 8;
    }
    if (length === 0 || length > frame.missing) {
      throw malformed("a part of a frame has a wrong size");
    }
    this.#start += 4;
    this.#missing = length;
    if (frame !== this.#parted) {
      this.#parted = frame;
      this.#onLarge();
    }
    return true;
  }

  /** Moves bytes from the buffer to the large frame to which they belong. */
  #appendRest(onMessage: MessageListener): void {
    const frame = (this.#whole ?? this.#parted)!;
    const end = Math.min(this.#end, this.#start + this.#missing);
    frame.append(this.#bytes.subarray(this.#start, end));
    this.#missing -= end - this.#start;
    this.#start = end;
    this.#finish(frame, onMessage);
  }

  /** Decodes a large frame if it is complete. */
  #finish(frame: IncomingFrame, onMessage: MessageListener): void {
    if (!frame.isComplete) return;
    if (frame === this.#whole) this.#whole = undefined;
    else this.#parted = undefined;
    const { bytes, byteLength } = frame;
    this.#decoder.use(bytes);
    let message: unknown[];
    try {
      message = this.#decoder.message(0, byteLength);
    } finally {
      this.#decoder.use(this.#bytes);
    }
    onMessage(message, byteLength + 4);
  }

  /**
   * Makes room for the rest of a frame, or for the next frames.
   *
   * @param isFull Whether the last read has filled the buffer.
   */
  #makeRoom(isFull: boolean): void {
    const rest = this.#end - this.#start;
    const isLarge = this.#bytes.length === CHUNK_BYTES;
    if (rest === 0) {
      this.#start = this.#end = 0;
      // Bytes of a large frame in this buffer must be copied.
      const isQuiet = this.#missing > 0 || this.#smallReads >= SMALL_READS;
      if (isLarge ? isQuiet : isFull && !isQuiet) {
        this.#replace(isLarge ? SMALL_BYTES : CHUNK_BYTES);
      }
      return;
    }
    const prefix = rest < 4 ? 0 : this.#view.getUint32(this.#start);
    const needed = prefix >= PART_FLAG ? FIRST_HEADER_BYTES : prefix + 4;
    if (!isLarge && (isFull || needed > SMALL_BYTES)) {
      this.#replace(CHUNK_BYTES);
    } else if (this.#start > 0) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
  }

  #replace(length: number): void {
    const before = this.#bytes;
    this.#use(makeBuffer(length));
    spareBuffers.give(before);
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

function makeBuffer(length: number): Uint8Array<ArrayBuffer> {
  return length === SMALL_BYTES
    ? new Uint8Array(SMALL_BYTES)
    : spareBuffers.take();
}

function tooLarge(byteLength: number, most: number): RangeError {
  return malformed(
    `a frame has ${byteLength} bytes, which exceeds the limit of ${most}`,
  );
}
