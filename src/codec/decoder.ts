import { Buffer } from "node:buffer";
import { Extension, makeBinary } from "./extensions.ts";
import { MAX_BIGINT_DIGITS, MAX_DEPTH } from "./wire_limits.ts";
import { defineHidden, defineProperty, makeError } from "./error_classes.ts";
import { readGraph } from "./graph_reader.ts";
import type { V8Serializer } from "./v8_serializer.ts";
import { setOwnProperty } from "./set_own_property.ts";
import {
  decodeText,
  makeRegExp,
  makeURL,
  malformed,
  parseBigInt,
} from "./texts.ts";

/** The longest string, in bytes, that is fastest to decode byte by byte. */
const SHORT_STRING = 12;

/** The longest string, in bytes, that gains from a check for plain ASCII. */
const MEDIUM_STRING = 256;

/** The longest array that is allocated before its elements are decoded. */
const MAX_PREALLOCATED = 4_096;

/** How many UTF-16 code units are joined at once. */
const UNITS_AT_ONCE = 1_024;

/** The number of cached object keys; a power of two. */
const KEY_SLOTS = 256;

/** The properties of an error that come before the others. */
const TEXTS: ReadonlySet<string> = new Set(["name", "message", "stack"]);

/**
 * Decodes MessagePack values that an `Encoder` has written.
 *
 * The decoder doesn't trust a length until that many bytes have arrived, so it
 * allocates memory in proportion to the bytes received.
 */
export class Decoder {
  /** Whether values of the last frame are views of its bytes. */
  gaveViews = false;
  /** If it is set, values may be graphs. */
  serializer: V8Serializer | undefined;

  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #buffer = Buffer.from(this.#bytes.buffer);
  #position = 0;
  #end = 0;
  #depth = 0;
  readonly #keys: (string | undefined)[] = new Array(KEY_SLOTS).fill(undefined);

  /** Switches to another buffer. */
  use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    const { buffer, byteOffset, byteLength } = bytes;
    this.#view = new DataView(buffer, byteOffset, byteLength);
    this.#buffer = Buffer.from(buffer, byteOffset, byteLength);
  }

  /**
   * Decodes the message in a frame: an array whose last elements are the
   * frame's attachments.
   *
   * @param start The position in the buffer where the frame's content begins.
   * @param end The position where it ends.
   * @returns The elements without the attachments.
   * @throws {RangeError} If the bytes aren't a message.
   */
  message(start: number, end: number): unknown[] {
    this.#position = start;
    this.#end = end;
    this.#depth = 0;
    this.gaveViews = false;
    if (this.#byte() !== 0xdc) throw malformed("a message is an array 16");
    const length = this.#uint16();
    const fields: unknown[] = [];
    for (let index = 0; index < length; index++) {
      if (this.#bytes[this.#position] === 0xc6) break;
      fields.push(this.#value());
    }
    this.#skipAttachments(length - fields.length);
    return fields;
  }

  #skipAttachments(count: number): void {
    for (; count > 0; count--) {
      if (this.#byte() !== 0xc6) throw malformed("an attachment is a bin 32");
      this.#take(this.#uint32());
    }
    if (this.#position !== this.#end) throw malformed("bytes are left over");
  }

  #take(length: number): number {
    const start = this.#position;
    if (length > this.#end - start) throw malformed("it is cut short");
    this.#position = start + length;
    return start;
  }

  #byte(): number {
    if (this.#position >= this.#end) throw malformed("it is cut short");
    return this.#bytes[this.#position++]!;
  }

  #uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  #value(): unknown {
    const code = this.#byte();
    if (code < 0x80) return code;
    if (code >= 0xe0) return code - 0x100;
    if (code < 0x90) return this.#object(code & 0x0f);
    if (code < 0xa0) return this.#array(code & 0x0f);
    if (code < 0xc0) return this.#string(code & 0x1f);
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#view.getFloat32(this.#take(4));
      case 0xcb:
        return this.#view.getFloat64(this.#take(8));
      case 0xcc:
        return this.#byte();
      case 0xcd:
        return this.#uint16();
      case 0xce:
        return this.#uint32();
      case 0xcf:
        return this.#view.getBigUint64(this.#take(8));
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      case 0xd3:
        return this.#view.getBigInt64(this.#take(8));
      default:
        return this.#sized(code);
    }
  }

  #sized(code: number): unknown {
    switch (code) {
      case 0xc4:
        return this.#binary(this.#byte());
      case 0xc5:
        return this.#binary(this.#uint16());
      case 0xc6:
        return this.#binary(this.#uint32());
      case 0xc7:
        return this.#extension(this.#byte());
      case 0xc8:
        return this.#extension(this.#uint16());
      case 0xc9:
        return this.#extension(this.#uint32());
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (code - 0xd4));
      case 0xd9:
        return this.#string(this.#byte());
      case 0xda:
        return this.#string(this.#uint16());
      case 0xdb:
        return this.#string(this.#uint32());
      case 0xdc:
        return this.#array(this.#uint16());
      case 0xdd:
        return this.#array(this.#uint32());
      case 0xde:
        return this.#object(this.#uint16());
      case 0xdf:
        return this.#object(this.#uint32());
      default:
        throw malformed(`no format begins with 0x${code.toString(16)}`);
    }
  }

  #enter(least: number): void {
    if (least > this.#end - this.#position) throw malformed("it is cut short");
    // The encoder counts per value, without the list that contains it.
    if (++this.#depth > MAX_DEPTH + 1) {
      throw malformed(`it nests deeper than ${MAX_DEPTH} levels`);
    }
  }

  #array(length: number): unknown[] {
    this.#enter(length);
    // A longer array grows with its elements: nested arrays could claim far
    // more elements than there are bytes.
    const array: unknown[] = length > MAX_PREALLOCATED ? [] : new Array(length);
    for (let index = 0; index < length; index++) array[index] = this.#value();
    this.#depth--;
    return array;
  }

  #object(size: number): Record<string, unknown> {
    this.#enter(size * 2);
    const object: Record<string, unknown> = {};
    for (let index = 0; index < size; index++) {
      const key = this.#key();
      const value = this.#value();
      setOwnProperty(object, key, value, size);
    }
    this.#depth--;
    return object;
  }

  #mapHeader(): number {
    const code = this.#byte();
    if (code >= 0x80 && code < 0x90) return code & 0x0f;
    if (code === 0xde) return this.#uint16();
    if (code === 0xdf) return this.#uint32();
    throw malformed("an error's properties are a map");
  }

  #key(): string {
    const code = this.#bytes[this.#position];
    if (
      this.#position < this.#end && code !== undefined && code >= 0xa0 &&
      code < 0xc0
    ) {
      this.#position++;
      return this.#cachedKey(code & 0x1f);
    }
    const key = this.#value();
    if (typeof key !== "string") throw malformed("a key is a string");
    return key;
  }

  /** Reads a key, through a cache because keys repeat a lot. */
  #cachedKey(length: number): string {
    const start = this.#take(length);
    const bytes = this.#bytes;
    let hash = length;
    for (let index = start; index < this.#position; index++) {
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
    this.#position = start;
    const key = this.#string(length);
    // A string with as many code units as bytes is ASCII.
    if (key.length === length) this.#keys[slot] = key;
    return key;
  }

  #string(length: number): string {
    const start = this.#take(length);
    const end = this.#position;
    if (length <= SHORT_STRING) {
      let text = "";
      let index = start;
      for (; index < end; index++) {
        const code = this.#bytes[index]!;
        if (code >= 0x80) break;
        text += String.fromCharCode(code);
      }
      if (index === end) return text;
    } else if (length <= MEDIUM_STRING && this.#isAscii(start, end)) {
      return this.#buffer.toString("latin1", start, end);
    }
    return decodeText(this.#bytes.subarray(start, end));
  }

  #isAscii(start: number, end: number): boolean {
    for (let index = start; index < end; index++) {
      if (this.#bytes[index]! >= 0x80) return false;
    }
    return true;
  }

  #binary(length: number): Uint8Array<ArrayBuffer> {
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  #extension(length: number): unknown {
    const type = this.#byte();
    const start = this.#position;
    if (length > this.#end - start) throw malformed("it is cut short");
    const end = start + length;
    const value = this.#extended(type, start, end);
    if (this.#position !== end) {
      throw malformed("an extension has a wrong size");
    }
    return value;
  }

  #extended(type: number, start: number, end: number): unknown {
    switch (type) {
      case Extension.UNDEFINED:
        this.#position = end;
        return undefined;
      case Extension.DATE:
        return new Date(this.#view.getFloat64(this.#take(8)));
      case Extension.MAP:
        return this.#map();
      case Extension.SET:
        return new Set(this.#list());
      case Extension.ERROR:
        return this.#error();
      case Extension.REGEXP:
        return makeRegExp(this.#text(), this.#text());
      case Extension.BINARY:
        return this.#inlineBinary(end);
      case Extension.ATTACHMENT:
        return this.#attachment();
      case Extension.BIGINT:
        return this.#bigint(end - start);
      case Extension.URL:
        return makeURL(this.#string(end - start));
      case Extension.UTF16:
        return this.#utf16(end);
      case Extension.GRAPH:
        return this.#graph();
      default:
        throw malformed(`there is no extension type ${type}`);
    }
  }

  #graph(): unknown {
    if (this.serializer === undefined) {
      throw malformed("a graph needs the codec 'structured'");
    }
    this.#enter(5);
    const tables = [this.#list(), this.#list(), this.#list(), this.#list()];
    const root = readGraph(tables, this.#value(), this.serializer);
    this.#depth--;
    return root;
  }

  #bigint(length: number): bigint {
    // A minus sign may precede the digits.
    if (length > MAX_BIGINT_DIGITS + 1) throw malformed("a bigint is too long");
    return parseBigInt(this.#string(length));
  }

  #list(): unknown[] {
    const list = this.#value();
    if (!Array.isArray(list)) throw malformed("a list is an array");
    return list;
  }

  #text(): string {
    const text = this.#value();
    if (typeof text !== "string") throw malformed("a text is a string");
    return text;
  }

  #map(): Map<unknown, unknown> {
    const list = this.#list();
    if (list.length % 2 !== 0) throw malformed("a map's last key has no value");
    const map = new Map<unknown, unknown>();
    for (let index = 0; index < list.length; index += 2) {
      map.set(list[index], list[index + 1]);
    }
    return map;
  }

  #inlineBinary(end: number): ArrayBuffer | ArrayBufferView {
    const kind = this.#byte();
    const start = this.#position;
    this.#position = end;
    return this.#makeBinary(kind, start, end - start, true);
  }

  #attachment(): ArrayBuffer | ArrayBufferView {
    const kind = this.#byte();
    const length = this.#uint32();
    const start = this.#end - this.#uint32();
    if (start < this.#position || length > this.#end - start) {
      throw malformed("an attachment lies outside of its frame");
    }
    this.gaveViews = true;
    return this.#makeBinary(kind, start, length, false);
  }

  #makeBinary(kind: number, start: number, length: number, copy: boolean) {
    const { buffer, byteOffset } = this.#bytes;
    return makeBinary(kind, buffer, byteOffset + start, length, copy);
  }

  #utf16(end: number): string {
    let text = "";
    while (this.#position < end) {
      const count = Math.ceil((end - this.#position) / 2);
      const units: number[] = [];
      for (let index = 0; index < count && index < UNITS_AT_ONCE; index++) {
        units.push(this.#uint16());
      }
      text += String.fromCharCode(...units);
    }
    return text;
  }

  #error(): Error {
    this.#enter(4);
    const className = this.#text();
    const name = this.#text();
    const error = makeError(className, name, this.#text());
    defineHidden(error, "stack", this.#text());
    for (let count = this.#mapHeader(); count > 0; count--) {
      const key = this.#key();
      // These already came as texts; here they could be any value.
      if (TEXTS.has(key)) throw malformed(`an error's ${key} comes twice`);
      defineProperty(error, key, this.#value());
    }
    this.#depth--;
    return error;
  }
}
