/**
 * Checks data in the format of V8's serializer before V8 reads it.
 *
 * V8 trusts such data: a sparse array of a few bytes makes it allocate 240 MB,
 * and a few of them end the process. This check accepts only the part of the
 * format that this package writes, whose values take memory in proportion to
 * their bytes.
 *
 * @see {@link https://source.chromium.org/chromium/chromium/src/+/main:v8/src/objects/value-serializer.cc}
 *
 * @module
 */

import { isFarIndex } from "./set_own_property.ts";
import { malformed } from "./texts.ts";
import { MAX_GRAPH_DEPTH } from "./wire_limits.ts";

/** The version of the format. */
const VERSION = 15;

/** V8 makes no array for an index of this or more. */
const MAX_INDEX = 100_000;

/** The most digits of a smaller index. */
const MAX_INDEX_DIGITS = 5;

const Tag = {
  VERSION: 0xff,
  PADDING: 0x00,
  UNDEFINED: code("_"),
  NULL: code("0"),
  TRUE: code("T"),
  FALSE: code("F"),
  INT32: code("I"),
  DOUBLE: code("N"),
  BIGINT: code("Z"),
  LATIN1: code('"'),
  UTF16: code("c"),
  REFERENCE: code("^"),
  OBJECT: code("o"),
  OBJECT_END: code("{"),
  ARRAY: code("A"),
  ARRAY_END: code("$"),
  DATE: code("D"),
  TRUE_OBJECT: code("y"),
  FALSE_OBJECT: code("x"),
  NUMBER_OBJECT: code("n"),
  BIGINT_OBJECT: code("z"),
  STRING_OBJECT: code("s"),
  MAP: code(";"),
  MAP_END: code(":"),
  SET: code("'"),
  SET_END: code(","),
  HOST_OBJECT: code("\\"),
};

/** A value that contains others. */
interface Container {
  /** The tag that ends it. */
  readonly end: number;
  /** How many elements an array must have. */
  readonly length: number;
  /** How many values it has so far; a property counts as two. */
  values: number;
  /** The greatest index below 100,000 among its keys. */
  lastIndex: number;
}

/**
 * Checks that bytes are values as this package serializes them.
 *
 * @param count The number of values.
 * @param tables The sizes of the tables that the values may refer to.
 * @throws {RangeError} If they aren't.
 */
export function checkV8Data(
  bytes: Uint8Array<ArrayBuffer>,
  count: number,
  tables: readonly number[],
): void {
  new Check(bytes, tables).values(count);
}

class Check {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #tables: readonly number[];
  readonly #open: Container[] = [];
  #position = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, tables: readonly number[]) {
    this.#bytes = bytes;
    this.#tables = tables;
  }

  values(count: number): void {
    if (this.#byte() !== Tag.VERSION || this.#byte() !== VERSION) {
      throw malformed(`V8's data doesn't have version ${VERSION}`);
    }
    for (let index = 0; index < count; index++) {
      this.#value(this.#tag());
      while (this.#open.length > 0) this.#step(this.#open.at(-1)!);
    }
    if (this.#position !== this.#bytes.length) {
      throw malformed("V8's data has bytes left over");
    }
  }

  /** Checks the next value in a container, or the container's end. */
  #step(container: Container): void {
    const tag = this.#tag();
    if (tag === container.end) return this.#leave(container);
    const isKey = container.end === Tag.OBJECT_END &&
      container.values % 2 === 0;
    container.values++;
    if (isKey) this.#key(tag, container);
    else this.#value(tag);
  }

  #value(tag: number): void {
    switch (tag) {
      case Tag.UNDEFINED:
      case Tag.NULL:
      case Tag.TRUE:
      case Tag.FALSE:
      case Tag.TRUE_OBJECT:
      case Tag.FALSE_OBJECT:
        return;
      case Tag.INT32:
      case Tag.REFERENCE:
        this.#varint();
        return;
      case Tag.DOUBLE:
      case Tag.DATE:
      case Tag.NUMBER_OBJECT:
        this.#take(8);
        return;
      case Tag.BIGINT:
      case Tag.BIGINT_OBJECT:
        // The lowest bit is the sign.
        this.#take(this.#varint() >>> 1);
        return;
      case Tag.LATIN1:
      case Tag.UTF16:
        this.#take(this.#varint());
        return;
      case Tag.STRING_OBJECT:
        this.#string(this.#tag());
        return;
      case Tag.OBJECT:
        return this.#enter(Tag.OBJECT_END);
      case Tag.ARRAY:
        return this.#enter(Tag.ARRAY_END, this.#varint());
      case Tag.MAP:
        return this.#enter(Tag.MAP_END);
      case Tag.SET:
        return this.#enter(Tag.SET_END);
      case Tag.HOST_OBJECT:
        return this.#place();
      default:
        throw malformed(`V8's data has the tag 0x${tag.toString(16)}`);
    }
  }

  #enter(end: number, length = 0): void {
    // Each element takes at least a byte.
    if (length > this.#bytes.length - this.#position) throw cutShort();
    // The arrays that hold the properties of other objects are one level more.
    if (this.#open.length > MAX_GRAPH_DEPTH) {
      throw malformed(`it nests deeper than ${MAX_GRAPH_DEPTH} levels`);
    }
    this.#open.push({ end, length, values: 0, lastIndex: 0 });
  }

  #leave({ end, length, values, lastIndex }: Container): void {
    this.#open.pop();
    if (end === Tag.ARRAY_END) {
      // It has no other properties.
      if (this.#varint() !== 0 || values !== length) throw wrongSize();
    }
    const isProperties = end === Tag.OBJECT_END;
    const size = isProperties ? values / 2 : values;
    if (this.#varint() !== size) throw wrongSize();
    if (end === Tag.MAP_END && size % 2 !== 0) throw wrongSize();
    if (isFarIndex(lastIndex, size)) {
      throw malformed("V8's data has an index that is too far");
    }
  }

  #key(tag: number, container: Container): void {
    const index = this.#index(tag);
    if (index < MAX_INDEX && index > container.lastIndex) {
      container.lastIndex = index;
    }
  }

  /** Checks a key, and returns it as a number; NaN for most strings. */
  #index(tag: number): number {
    switch (tag) {
      case Tag.INT32: {
        const index = this.#varint();
        // The lowest bit is the sign.
        return index % 2 === 0 ? index / 2 : NaN;
      }
      case Tag.DOUBLE: {
        const { buffer, byteOffset } = this.#bytes;
        return new DataView(buffer, byteOffset)
          .getFloat64(this.#take(8), true);
      }
      default:
        return this.#digits(this.#string(tag), tag === Tag.UTF16 ? 2 : 1);
    }
  }

  /** Checks a string, and returns the position of its content. */
  #string(tag: number): number {
    if (tag !== Tag.LATIN1 && tag !== Tag.UTF16) {
      throw malformed("V8's data has something else in place of a string");
    }
    return this.#take(this.#varint());
  }

  /**
   * Parses the digits from a position to the current one: V8 takes a string of
   * digits for an index.
   *
   * @param size The size of a character in bytes, with the lowest byte first.
   */
  #digits(start: number, size: number): number {
    let number = 0;
    if (this.#position - start > MAX_INDEX_DIGITS * size) return NaN;
    for (let position = start; position < this.#position; position += size) {
      const high = size === 2 ? this.#bytes[position + 1] : 0;
      const digit = this.#bytes[position]! - 0x30;
      if (high !== 0 || digit < 0 || digit > 9) return NaN;
      number = number * 10 + digit;
    }
    return number;
  }

  /** Checks a reference to an object in a table. */
  #place(): void {
    const size = this.#tables[this.#varint()] ?? 0;
    if (this.#varint() >= size) throw malformed("V8's data refers to nothing");
  }

  #tag(): number {
    let tag = this.#byte();
    while (tag === Tag.PADDING) tag = this.#byte();
    return tag;
  }

  #byte(): number {
    if (this.#position >= this.#bytes.length) throw cutShort();
    return this.#bytes[this.#position++]!;
  }

  #take(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.length - start) throw cutShort();
    this.#position = start + length;
    return start;
  }

  /** Reads an unsigned integer of at most 32 bits. */
  #varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 32; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (value >= 2 ** 32) break;
      if (byte < 0x80) return value;
    }
    throw malformed("V8's data has an integer of more than 32 bits");
  }
}

function code(tag: string): number {
  return tag.charCodeAt(0);
}

function cutShort(): RangeError {
  return malformed("V8's data is cut short");
}

function wrongSize(): RangeError {
  return malformed("V8's data has a wrong size");
}
