import { isIndex } from "./array_keys.ts";
import { makeBlob } from "./blobs.ts";
import { box } from "./boxed.ts";
import { ByteReader } from "./byte_reader.ts";
import { makeKey } from "./crypto_keys.ts";
import { defineHidden, makeError, setErrorProperty } from "./error_classes.ts";
import { Extension, makeBinary } from "./extensions.ts";
import { readGraph } from "./graph_reader.ts";
import { makeResizable, resizableCost } from "./resizable_buffers.ts";
import { setOwnProperty } from "./set_own_property.ts";
import { makeSparseArray, MAX_PREALLOCATED } from "./sparse_arrays.ts";
import { makeRegExp, makeURL, malformed } from "./texts.ts";
import type { V8Serializer } from "./v8_serializer.ts";
import { MAX_DEPTH, MAX_RESIZABLE_COST } from "./wire_limits.ts";

/**
 * Decodes MessagePack values that an `Encoder` has written.
 *
 * The decoder doesn't trust a length until that many bytes have arrived, so it
 * allocates memory in proportion to the bytes received.
 */
export class Decoder extends ByteReader {
  /** Whether values of the last frame are views of its bytes. */
  gaveViews = false;
  /** If it is set, values may be graphs. */
  serializer: V8Serializer | undefined;

  #depth = 0;
  #resizableCost = 0;

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
    this.position = start;
    this.end = end;
    this.attachable = end - start;
    this.#depth = this.#resizableCost = 0;
    this.gaveViews = false;
    this.longAttachments.length = 0;
    if (this.byte() !== 0xdc) throw malformed("a message is an array 16");
    const length = this.uint16();
    const fields: unknown[] = [];
    for (let index = 0; index < length; index++) {
      if (this.bytes[this.position] === 0xc6) break;
      fields.push(this.#value());
    }
    this.#skipAttachments(length - fields.length);
    return fields;
  }

  #skipAttachments(count: number): void {
    for (; count > 0; count--) {
      if (this.byte() !== 0xc6) throw malformed("an attachment is a bin 32");
      const length = this.uint32();
      // The first one comes last.
      const isLong = length === 2 ** 32 - 1;
      this.take(isLong ? this.longAttachments.pop() ?? length : length);
    }
    if (this.position !== this.end) throw malformed("bytes are left over");
  }

  #value(): unknown {
    const code = this.byte();
    if (code < 0x80) return code;
    if (code >= 0xe0) return code - 0x100;
    if (code < 0x90) return this.#object(code & 0x0f);
    if (code < 0xa0) return this.#array(code & 0x0f);
    if (code < 0xc0) return this.string(code & 0x1f);
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.view.getFloat32(this.take(4));
      case 0xcb:
        return this.view.getFloat64(this.take(8));
      case 0xcc:
        return this.byte();
      case 0xcd:
        return this.uint16();
      case 0xce:
        return this.uint32();
      case 0xcf:
        return this.view.getBigUint64(this.take(8));
      case 0xd0:
        return this.view.getInt8(this.take(1));
      case 0xd1:
        return this.view.getInt16(this.take(2));
      case 0xd2:
        return this.view.getInt32(this.take(4));
      case 0xd3:
        return this.view.getBigInt64(this.take(8));
      default:
        return this.#sized(code);
    }
  }

  #sized(code: number): unknown {
    switch (code) {
      case 0xc4:
        return this.#binary(this.byte());
      case 0xc5:
        return this.#binary(this.uint16());
      case 0xc6:
        return this.#binary(this.uint32());
      case 0xc7:
        return this.#extension(this.byte());
      case 0xc8:
        return this.#extension(this.uint16());
      case 0xc9:
        return this.#extension(this.uint32());
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (code - 0xd4));
      case 0xd9:
        return this.string(this.byte());
      case 0xda:
        return this.string(this.uint16());
      case 0xdb:
        return this.string(this.uint32());
      case 0xdc:
        return this.#array(this.uint16());
      case 0xdd:
        return this.#array(this.uint32());
      case 0xde:
        return this.#object(this.uint16());
      case 0xdf:
        return this.#object(this.uint32());
      default:
        throw malformed(`no format begins with 0x${code.toString(16)}`);
    }
  }

  #enter(least: number): void {
    if (least > this.end - this.position) throw malformed("it is cut short");
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
    const code = this.byte();
    if (code >= 0x80 && code < 0x90) return code & 0x0f;
    if (code === 0xde) return this.uint16();
    if (code === 0xdf) return this.uint32();
    throw malformed("properties are a map");
  }

  #arrayHeader(): number {
    const code = this.byte();
    if (code >= 0x90 && code < 0xa0) return code & 0x0f;
    if (code === 0xdc) return this.uint16();
    if (code === 0xdd) return this.uint32();
    throw malformed("a list is an array");
  }

  #key(): string {
    const code = this.bytes[this.position];
    if (
      this.position < this.end && code !== undefined && code >= 0xa0 &&
      code < 0xc0
    ) {
      this.position++;
      return this.cachedKey(code & 0x1f);
    }
    const key = this.#value();
    if (typeof key !== "string") throw malformed("a key is a string");
    return key;
  }

  #binary(length: number): Uint8Array<ArrayBuffer> {
    const start = this.take(length);
    return this.bytes.slice(start, start + length);
  }

  #extension(length: number): unknown {
    const type = this.byte();
    const start = this.position;
    if (length > this.end - start) throw malformed("it is cut short");
    const end = start + length;
    const value = this.#extended(type, start, end);
    if (this.position !== end) {
      throw malformed("an extension has a wrong size");
    }
    return value;
  }

  #extended(type: number, start: number, end: number): unknown {
    switch (type) {
      case Extension.UNDEFINED:
        this.position = end;
        return undefined;
      case Extension.DATE:
        return new Date(this.view.getFloat64(this.take(8)));
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
        return this.#attachment(end);
      case Extension.BIGINT:
        return this.bigint(end - start);
      case Extension.URL:
        return makeURL(this.string(end - start));
      case Extension.UTF16:
        return this.utf16(end);
      case Extension.NUMBERS:
        return this.numbers(end);
      case Extension.STRINGS:
        return this.strings(end);
      default:
        return this.#rare(type, end);
    }
  }

  #rare(type: number, end: number): unknown {
    switch (type) {
      case Extension.ARRAY:
        return this.#extendedArray();
      case Extension.BLOB:
        return this.#blob(end);
      case Extension.BOXED:
        return box(this.#value());
      case Extension.GRAPH:
        return this.#graph();
      case Extension.KEY:
        return makeKey(this.#list());
      case Extension.RESIZABLE:
        return this.#resizable();
      default:
        throw malformed(`there is no extension type ${type}`);
    }
  }

  /** Reads an array that may have gaps and properties besides elements. */
  #extendedArray(): unknown[] {
    const length = this.#value();
    if (typeof length !== "number" || length >>> 0 !== length) {
      throw malformed("the length of an array is an integer");
    }
    const parts = this.#arrayHeader();
    this.#enter(parts);
    const array = makeSparseArray(length, parts);
    let index = 0;
    for (let part = 0; part < parts; part++) {
      if (this.gap()) index += this.uint32();
      else if (index < length) array[index++] = this.#value();
      else index = Infinity;
    }
    if (index !== length) throw malformed("an array has a wrong length");
    array.length = length;
    for (let count = this.#mapHeader(); count > 0; count--) {
      const key = this.#key();
      if (key === "length" || isIndex(key)) {
        throw malformed("an element of an array is no other property");
      }
      setOwnProperty(array as never, key, this.#value(), 0);
    }
    this.#depth--;
    return array;
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

  #resizable(): ArrayBuffer | ArrayBufferView {
    const parts = this.#list();
    const maxByteLength = parts[1];
    if (typeof maxByteLength !== "number") {
      throw malformed("the greatest length of a buffer is a number");
    }
    this.#resizableCost += resizableCost(maxByteLength);
    // The encoder limits the cost of each value. A message ends after it.
    if (!(this.#resizableCost <= MAX_RESIZABLE_COST * 2)) {
      throw malformed("its buffers could grow too much");
    }
    return makeResizable(parts);
  }

  #blob(end: number): Blob {
    const type = this.#text();
    const name = this.#value();
    const lastModified = name === null ? 0 : this.#value();
    if (
      !(name === null || typeof name === "string") ||
      typeof lastModified !== "number"
    ) throw malformed("a file has a name and a time");
    const { start, length } = this.attached(end);
    const bytes = this.bytes.subarray(start, start + length);
    return makeBlob(bytes, { type, name: name ?? undefined, lastModified });
  }

  /** Reads an array that isn't an extension: its length is limited. */
  #list(): unknown[] {
    return this.#array(this.#arrayHeader());
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
    const kind = this.byte();
    const start = this.position;
    this.position = end;
    return this.#makeBinary(kind, start, end - start, true);
  }

  #attachment(end: number): ArrayBuffer | ArrayBufferView {
    const kind = this.byte();
    const { start, length } = this.attached(end);
    this.gaveViews = true;
    return this.#makeBinary(kind, start, length, false);
  }

  #makeBinary(kind: number, start: number, length: number, copy: boolean) {
    const { buffer, byteOffset } = this.bytes;
    return makeBinary(kind, buffer, byteOffset + start, length, copy);
  }

  #error(): Error {
    this.#enter(4);
    const className = this.#text();
    const name = this.#text();
    const message = this.#value();
    if (message !== null && typeof message !== "string") {
      throw malformed("a message is a string");
    }
    const error = makeError(className, name, message ?? undefined);
    defineHidden(error, "stack", this.#text());
    for (let count = this.#mapHeader(); count > 0; count--) {
      setErrorProperty(error, this.#key(), this.#value());
    }
    this.#depth--;
    return error;
  }
}
