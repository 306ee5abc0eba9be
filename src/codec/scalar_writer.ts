import { ByteWriter } from "./byte_writer.ts";
import { Extension } from "./extensions.ts";
import { longBigInt } from "./refusals.ts";
import { MAX_BIGINT_DIGITS } from "./wire_limits.ts";

/** The longest string that JavaScript encodes faster than `TextEncoder`. */
const SHORT_STRING = 24;

const textEncoder = new TextEncoder();

// A subclass may override it.
const dateTime = Date.prototype.getTime;

/** Appends values without parts as MessagePack, and the frame of extensions. */
export class ScalarWriter extends ByteWriter {
  /** Appends a number. */
  protected number(value: number): void {
    this.reserve(9);
    const bytes = this.bytes;
    let position = this.position;
    // -0 must become a float.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0) {
        if (value < 0x80) {
          bytes[position++] = value;
        } else if (value < 0x100) {
          bytes[position++] = 0xcc;
          bytes[position++] = value;
        } else if (value < 0x10000) {
          bytes[position++] = 0xcd;
          bytes[position++] = value >> 8;
          bytes[position++] = value;
        } else {
          bytes[position++] = 0xce;
          this.view.setUint32(position, value);
          position += 4;
        }
      } else if (value >= -0x20) {
        bytes[position++] = value;
      } else {
        bytes[position++] = 0xd2;
        this.view.setInt32(position, value);
        position += 4;
      }
    } else {
      bytes[position++] = 0xcb;
      this.view.setFloat64(position, value);
      position += 8;
    }
    this.position = position;
  }

  /** Appends a string. */
  protected string(value: string): void {
    const length = value.length;
    this.reserve(length * 3 + 5);
    if (length <= SHORT_STRING) {
      const bytes = this.bytes;
      let position = this.position;
      bytes[position++] = 0xa0 | length;
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code >= 0x80) break;
        bytes[position++] = code;
      }
      if (index === length) {
        this.position = position;
        return;
      }
    }
    if (!value.isWellFormed()) return this.#utf16(value);
    // The header comes first, so its format must fit the longest encoding.
    const most = length * 3;
    const headerSize = most < 0x100 ? 2 : most < 0x10000 ? 3 : 5;
    const start = this.position + headerSize;
    const { written } = textEncoder.encodeInto(
      value,
      this.bytes.subarray(start),
    );
    if (headerSize === 2) {
      this.bytes[this.position] = 0xd9;
      this.bytes[this.position + 1] = written;
    } else if (headerSize === 3) {
      this.bytes[this.position] = 0xda;
      this.view.setUint16(this.position + 1, written);
    } else {
      this.bytes[this.position] = 0xdb;
      this.view.setUint32(this.position + 1, written);
    }
    this.position = start + written;
  }

  #utf16(value: string): void {
    this.extensionHeader(Extension.UTF16, value.length * 2);
    for (let index = 0; index < value.length; index++) {
      this.view.setUint16(this.position, value.charCodeAt(index));
      this.position += 2;
    }
  }

  /** Appends a bigint. */
  protected bigint(value: bigint): void {
    this.reserve(9);
    if (BigInt.asIntN(64, value) === value) {
      this.bytes[this.position++] = 0xd3;
      this.view.setBigInt64(this.position, value);
      this.position += 8;
    } else {
      const digits = value.toString(16);
      if (digits.length > MAX_BIGINT_DIGITS) throw longBigInt();
      this.extensionText(Extension.BIGINT, digits);
    }
  }

  /** Appends a date. */
  protected date(value: Date): void {
    this.extensionHeader(Extension.DATE, 8);
    this.view.setFloat64(this.position, dateTime.call(value));
    this.position += 8;
  }

  /** Appends a regular expression. */
  protected regExp(value: RegExp): void {
    const start = this.beginExtension(Extension.REGEXP);
    this.string(value.source);
    this.string(value.flags);
    this.endExtension(start);
  }

  /** Appends a number of missing elements of an array. */
  protected gap(length: number): void {
    this.reserve(6);
    this.bytes[this.position++] = 0xd6;
    this.bytes[this.position++] = Extension.GAP;
    this.view.setUint32(this.position, length);
    this.position += 4;
  }

  /** Begins an extension of unknown size (ext 32); returns its position. */
  protected beginExtension(type: number): number {
    const start = this.skip(6);
    this.bytes[start] = 0xc9;
    this.bytes[start + 5] = type;
    return start;
  }

  /** Ends an extension of unknown size. */
  protected endExtension(start: number): void {
    this.setUint32(start + 1, this.position - start - 6);
  }

  /** Appends the header of an extension of `length` bytes. */
  protected extensionHeader(type: number, length: number): void {
    const start = this.beginExtension(type);
    this.reserve(length);
    this.setUint32(start + 1, length);
  }

  /** Appends an extension whose content is text. */
  protected extensionText(type: number, text: string): void {
    const bytes = textEncoder.encode(text);
    this.extensionHeader(type, bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }
}
