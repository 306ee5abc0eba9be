import { decodeAscii } from "./decode_ascii.ts";
import { Extension } from "./extensions.ts";
import { readNumbers } from "./number_lists.ts";
import { MAX_TEXT_BYTES, parseStrings, TextEncoding } from "./string_lists.ts";
import { decodeText, malformed, parseBigInt } from "./texts.ts";
import { MAX_BIGINT_DIGITS } from "./wire_limits.ts";

/** The longest string, in bytes, that is fastest to decode byte by byte. */
const SHORT_STRING = 12;

/** The longest string, in bytes, that gains from a check for plain ASCII. */
const MEDIUM_STRING = 256;

/** How many UTF-16 code units are joined at once. */
const UNITS_AT_ONCE = 1_024;

/** The number of cached object keys; a power of two. */
const KEY_SLOTS = 256;

/** Reads integers and strings from a frame, and refuses to read beyond it. */
export class ByteReader {
  /** The buffer that contains the frame. */
  protected bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** A view of the buffer for numbers of several bytes. */
  protected view: DataView<ArrayBuffer> = new DataView(this.bytes.buffer);
  /** The position of the next byte. */
  protected position = 0;
  /** The position where the frame ends. */
  protected end = 0;
  /** How many bytes of attachments values may still refer to. */
  protected attachable = 0;
  /** The lengths of attachments that may be too long for a bin 32. */
  protected readonly longAttachments: number[] = [];

  readonly #keys: (string | undefined)[] = new Array(KEY_SLOTS).fill(undefined);

  /** Switches to another buffer. */
  use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    const { buffer, byteOffset, byteLength } = bytes;
    this.view = new DataView(buffer, byteOffset, byteLength);
  }

  /** Skips `length` bytes, and returns the position of the first. */
  protected take(length: number): number {
    const start = this.position;
    if (length > this.end - start) throw malformed("it is cut short");
    this.position = start + length;
    return start;
  }

  protected byte(): number {
    if (this.position >= this.end) throw malformed("it is cut short");
    return this.bytes[this.position++]!;
  }

  protected uint16(): number {
    return this.view.getUint16(this.take(2));
  }

  protected uint32(): number {
    return this.view.getUint32(this.take(4));
  }

  /** Reads a key of up to 31 bytes, through a cache because keys repeat. */
  protected cachedKey(length: number): string {
    const start = this.take(length);
    const bytes = this.bytes;
    let hash = length;
    for (let index = start; index < this.position; index++) {
      hash = (hash * 31 + bytes[index]!) | 0;
    }
    const slot = hash & (KEY_SLOTS - 1);
    const cached = this.#keys[slot];
    if (cached !== undefined && cached.length === length) {
      let index = 0;
      while (
        index < length && cached.charCodeAt(index) === bytes[start + index]
      ) index++;
      if (index === length) return cached;
    }
    this.position = start;
    const key = this.string(length);
    // A string with as many code units as bytes is ASCII.
    if (key.length === length) this.#keys[slot] = key;
    return key;
  }

  protected string(length: number): string {
    const start = this.take(length);
    const end = this.position;
    if (length <= SHORT_STRING) {
      let text = "";
      let index = start;
      for (; index < end; index++) {
        const code = this.bytes[index]!;
        if (code >= 0x80) break;
        text += String.fromCharCode(code);
      }
      if (index === end) return text;
    } else if (length <= MEDIUM_STRING && this.#isAscii(start, end)) {
      return decodeAscii(this.bytes, start, end);
    }
    return decodeText(this.bytes.subarray(start, end));
  }

  #isAscii(start: number, end: number): boolean {
    for (let index = start; index < end; index++) {
      if (this.bytes[index]! >= 0x80) return false;
    }
    return true;
  }

  /** Reads UTF-16 code units up to `end`. */
  protected utf16(end: number): string {
    let text = "";
    while (this.position < end) {
      const count = Math.ceil((end - this.position) / 2);
      const units: number[] = [];
      for (let index = 0; index < count && index < UNITS_AT_ONCE; index++) {
        units.push(this.uint16());
      }
      text += String.fromCharCode(...units);
    }
    return text;
  }

  /** Reads the kind of numbers, then numbers up to `end`. */
  protected numbers(end: number): number[] {
    const kind = this.byte();
    const start = this.position;
    this.take(end - start);
    return readNumbers(kind, this.view, start, end);
  }

  /** Reads the encoding of strings, then strings up to `end`. */
  protected strings(end: number): string[] {
    const encoding = this.byte();
    const start = this.position;
    if (end - start > MAX_TEXT_BYTES) throw malformed("strings are too long");
    this.take(end - start);
    return parseStrings(
      encoding === TextEncoding.ASCII
        ? decodeAscii(this.bytes, start, end)
        : decodeText(this.bytes.subarray(start, end)),
    );
  }

  /** Reads a bigint as hexadecimal text. */
  protected bigint(length: number): bigint {
    // A minus sign may precede the digits.
    if (length > MAX_BIGINT_DIGITS + 1) throw malformed("a bigint is too long");
    return parseBigInt(this.string(length));
  }

  /** Skips the header of a gap, if one follows. */
  protected gap(): boolean {
    const { bytes, position } = this;
    const isGap = bytes[position] === 0xd6 &&
      bytes[position + 1] === Extension.GAP;
    if (isGap) this.take(2);
    return isGap;
  }

  /** Reads where the content of an attachment is; that ends at `end`. */
  protected attached(end: number): { start: number; length: number } {
    const isWide = end - this.position === 16;
    const length = isWide ? this.#uint64() : this.uint32();
    const start = this.end - (isWide ? this.#uint64() : this.uint32());
    if (start < this.position || length > this.end - start) {
      throw malformed("an attachment lies outside of its frame");
    }
    // Some values copy their attachments, which no other value may use.
    this.attachable -= length;
    if (this.attachable < 0) throw malformed("its attachments overlap");
    if (length >= 2 ** 32 - 1) this.longAttachments.push(length);
    return { start, length };
  }

  #uint64(): number {
    return this.uint32() * 2 ** 32 + this.uint32();
  }
}
