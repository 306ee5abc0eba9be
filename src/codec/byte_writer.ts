import { SPARE_BYTES, SpareBuffers } from "./spare_buffers.ts";
import { TooLarge } from "./unsendable_part.ts";
import { MAX_MESSAGE_BYTES } from "./wire_limits.ts";

/** The size of a buffer at first, in bytes. A connection keeps two of them. */
const INITIAL_BYTES = 4_096;

const EMPTY = new Uint8Array(0);

/** Buffers for those who write more than {@linkcode INITIAL_BYTES}. */
const spareBuffers = new SpareBuffers();

/** Appends bytes in the formats of MessagePack to a buffer that grows. */
export class ByteWriter {
  /** The buffer; its content ends at {@linkcode ByteWriter.position}. */
  bytes: Uint8Array<ArrayBuffer> = EMPTY;
  /** The position of the next byte. */
  position = 0;
  /** The buffer stops growing once the position is beyond this. */
  maxPosition = Infinity;
  /** The same, whatever is attached. */
  maxPlainPosition = Infinity;

  /** A view of the buffer for numbers of several bytes. */
  protected view: DataView<ArrayBuffer> = new DataView(this.bytes.buffer);

  /** Appends the header of an array of `length` elements. */
  arrayHeader(length: number): void {
    this.header(length, 0x90, 16, 0xdc);
  }

  /**
   * Appends the header of a binary value of `length` bytes (bin 32). A length
   * that doesn't fit becomes the greatest that does.
   */
  binaryHeader(length: number): void {
    this.reserve(5);
    this.bytes[this.position++] = 0xc6;
    this.view.setUint32(this.position, Math.min(length, 2 ** 32 - 1));
    this.position += 4;
  }

  /**
   * Appends an unsigned integer in the 5-byte format, even if it is small.
   *
   * @returns The position of its last 4 bytes, to overwrite it later.
   */
  uint32(value: number): number {
    this.reserve(5);
    this.bytes[this.position++] = 0xce;
    this.view.setUint32(this.position, value);
    this.position += 4;
    return this.position - 4;
  }

  /** Skips `length` bytes, and returns the position of the first. */
  skip(length: number): number {
    this.reserve(length);
    const start = this.position;
    this.position += length;
    return start;
  }

  /** Makes room for `length` bytes at `position`, before what follows there. */
  insert(position: number, length: number): void {
    this.reserve(length);
    this.bytes.copyWithin(position + length, position, this.position);
    this.position += length;
  }

  /** Overwrites 2 bytes at `position` with a big-endian integer. */
  setUint16(position: number, value: number): void {
    this.view.setUint16(position, value);
  }

  /** Overwrites 4 bytes at `position` with a big-endian integer. */
  setUint32(position: number, value: number): void {
    this.view.setUint32(position, value);
  }

  /** Continues in another buffer, and returns the one used so far. */
  swap(
    bytes: Uint8Array<ArrayBuffer> | undefined,
  ): Uint8Array<ArrayBuffer> {
    const previous = this.bytes;
    this.bytes = bytes ?? EMPTY;
    this.view = new DataView(this.bytes.buffer);
    this.position = 0;
    return previous;
  }

  /**
   * Gives back a buffer that {@linkcode ByteWriter.swap} returned.
   *
   * @returns The buffer, if this writer should use it again.
   */
  giveBack(
    bytes: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> | undefined {
    if (bytes.length === INITIAL_BYTES) return bytes;
    spareBuffers.give(bytes);
    return undefined;
  }

  /** Makes room for `length` more bytes. */
  protected reserve(length: number): void {
    const needed = this.position + length;
    if (needed <= this.bytes.length) return;
    // `length` may be too high an estimate; the position is exact.
    const { position, maxPosition, maxPlainPosition } = this;
    if (position > maxPosition || position > maxPlainPosition) throw tooLarge();
    const grown = this.#makeBuffer(needed);
    grown.set(this.bytes.subarray(0, this.position));
    spareBuffers.give(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  #makeBuffer(needed: number): Uint8Array<ArrayBuffer> {
    if (needed <= INITIAL_BYTES) return new Uint8Array(INITIAL_BYTES);
    const size = Math.max(needed, this.bytes.length * 2);
    if (size > SPARE_BYTES) return new Uint8Array(size);
    return spareBuffers.take();
  }

  /** Overwrites the length in a map's header that was written for `written`. */
  protected setMapLength(
    position: number,
    written: number,
    length: number,
  ): void {
    const size = this.headerSize(written);
    if (size === 1) this.bytes[position] = 0x80 | length;
    else if (size === 3) this.setUint16(position + 1, length);
    else this.setUint32(position + 1, length);
  }

  /** Returns the size of the header of an array or map of `length` entries. */
  protected headerSize(length: number): number {
    return length < 16 ? 1 : length < 0x10000 ? 3 : 5;
  }

  /** Appends a length in the shortest format: `fix`, 16 or 32 bits. */
  protected header(
    length: number,
    fix: number,
    fixLimit: number,
    code16: number,
  ): void {
    this.reserve(5);
    if (length < fixLimit) {
      this.bytes[this.position++] = fix | length;
    } else if (length < 0x10000) {
      this.bytes[this.position++] = code16;
      this.view.setUint16(this.position, length);
      this.position += 2;
    } else {
      this.bytes[this.position++] = code16 + 1;
      this.view.setUint32(this.position, length);
      this.position += 4;
    }
  }
}

/** Makes the error for a message that is longer than a frame can be. */
export function tooLarge(): TooLarge {
  return new TooLarge(
    `It exceeds the limit of ${MAX_MESSAGE_BYTES} bytes for a message`,
  );
}
