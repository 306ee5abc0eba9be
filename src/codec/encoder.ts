import { isDate } from "node:util/types";
import { URL } from "node:url";
import { binaryKind, Extension } from "./extensions.ts";
import {
  MAX_CONTAINERS,
  MAX_DEPTH,
  MAX_FRAME_BYTES,
  MAX_INNER_ERRORS,
  MIN_ATTACHMENT_BYTES,
} from "./wire_limits.ts";
import {
  tooDeep,
  tooManyContainers,
  tooManyErrors,
  unsendableKind,
  unsendableType,
} from "./refusals.ts";
import { writeGraph } from "./graph_writer.ts";
import { isTree } from "./is_tree.ts";
import { ScalarWriter } from "./scalar_writer.ts";
import { partOf, propertyAccess, UnsendablePart } from "./unsendable_part.ts";
import { errorClassName, errorKeys, errorText } from "./error_classes.ts";
import type { V8Serializer } from "./v8_serializer.ts";

const NONE: readonly Uint8Array<ArrayBuffer>[] = [];

// A subclass may override these methods.
const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;

/**
 * Appends values as MessagePack to a buffer that grows.
 *
 * A value without a MessagePack format becomes an {@linkcode Extension}. Big
 * binary values aren't copied: {@linkcode Encoder.pending} collects them, and
 * the frame attaches them at its end.
 *
 * @see {@link https://github.com/msgpack/msgpack/blob/master/spec.md}
 */
export class Encoder extends ScalarWriter {
  /** The big binary values of the current frame, in their order. */
  readonly pending: Uint8Array<ArrayBuffer>[] = [];
  /** How many bytes {@linkcode Encoder.pending} takes in the frame. */
  pendingBytes = 0;
  /** If it is set, values keep shared references and cycles. */
  serializer: V8Serializer | undefined;

  #depth = 0;
  /** The objects in the value so far; shared objects count each time. */
  #containers = 0;
  /** How many bytes were written for properties of errors, then removed. */
  #leftOutBytes = 0;
  readonly #errors: Error[] = [];
  /** How many errors the outermost error contains so far. */
  #innerErrors = 0;

  /**
   * Appends a value.
   *
   * If it throws, the caller must call {@linkcode Encoder.rollback}.
   *
   * @throws {UnsendablePart} If a part of the value can't be sent or read.
   * @throws {TypeError} If the value can't be read, or is too large.
   */
  value(value: unknown): void {
    switch (typeof value) {
      case "number":
        return this.number(value);
      case "string":
        return this.string(value);
      case "boolean":
        this.reserve(1);
        this.bytes[this.position++] = value ? 0xc3 : 0xc2;
        return;
      case "undefined":
        this.reserve(3);
        this.bytes[this.position++] = 0xd4;
        this.bytes[this.position++] = Extension.UNDEFINED;
        this.bytes[this.position++] = 0;
        return;
      case "object":
        if (value === null) {
          this.reserve(1);
          this.bytes[this.position++] = 0xc0;
          return;
        }
        return this.#nested(value);
      case "bigint":
        return this.bigint(value);
      default:
        throw unsendableType(value);
    }
  }

  /** Appends an element of a message: a value or a list of values. */
  field(value: unknown): void {
    if (this.serializer !== undefined && Array.isArray(value)) {
      this.#array(value);
    } else this.value(value);
  }

  /** Appends a part of a value; if that fails, removes it again. */
  part(value: unknown): void {
    const { position } = this;
    const attachments = this.pending.length;
    const depth = this.#depth;
    try {
      this.value(value);
    } catch (reason) {
      this.rollback(position, attachments);
      this.#depth = depth;
      throw reason;
    }
  }

  /** Returns to an earlier position and number of attachments. */
  rollback(position: number, attachments: number): void {
    this.#truncate(position, attachments);
    this.#depth = 0;
    this.#errors.length = 0;
  }

  /** Removes the pending attachments, and returns them in reverse order. */
  takePending(): readonly Uint8Array<ArrayBuffer>[] {
    if (this.pending.length === 0) return NONE;
    this.pendingBytes = 0;
    return this.pending.splice(0).reverse();
  }

  #nested(value: object): void {
    if (this.#depth === 0) {
      this.#containers = this.#leftOutBytes = 0;
      if (this.serializer !== undefined && !isTree(value)) {
        return this.#graph(value, this.serializer);
      }
    }
    if (++this.#depth > MAX_DEPTH) throw tooDeep();
    if (++this.#containers > MAX_CONTAINERS) throw tooManyContainers();
    if (Array.isArray(value)) this.#array(value);
    else if (isPlain(value)) this.#plain(value);
    else this.#special(value);
    this.#depth--;
  }

  #graph(value: object, serializer: V8Serializer): void {
    this.#depth++;
    const start = this.beginExtension(Extension.GRAPH);
    writeGraph(value, serializer, this);
    this.endExtension(start);
    this.#depth--;
  }

  #array(value: readonly unknown[]): void {
    const length = value.length;
    this.arrayHeader(length);
    let index = 0;
    try {
      for (; index < length; index++) this.value(value[index]);
    } catch (reason) {
      throw partOf(value, index, reason);
    }
  }

  #plain(value: object): void {
    const keys = Object.keys(value);
    this.header(keys.length, 0x80, 16, 0xde);
    let current = "";
    try {
      for (const key of keys) {
        current = key;
        this.string(key);
        this.value((value as Record<string, unknown>)[key]);
      }
    } catch (reason) {
      throw partOf(value, propertyAccess(current), reason);
    }
  }

  #special(value: object): void {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      this.#binary(value);
    } else if (value instanceof Error) {
      this.#error(value);
    } else if (value instanceof Map) {
      this.#map(value);
    } else if (value instanceof Set) {
      this.#set(value);
    } else if (isDate(value) || value instanceof Date) {
      this.extensionHeader(Extension.DATE, 8);
      this.view.setFloat64(this.position, value.getTime());
      this.position += 8;
    } else if (value instanceof RegExp) {
      const start = this.beginExtension(Extension.REGEXP);
      this.string(value.source);
      this.string(value.flags);
      this.endExtension(start);
    } else if (value instanceof URL) {
      this.extensionText(Extension.URL, value.href);
    } else if (Object.prototype.toString.call(value) === "[object Object]") {
      // Like structuredClone, sends the own properties of a class instance.
      this.#plain(value);
    } else {
      throw unsendableKind(value);
    }
  }

  #map(value: Map<unknown, unknown>): void {
    const start = this.beginExtension(Extension.MAP);
    const entries = [...mapEntries.call(value)];
    this.arrayHeader(entries.length * 2);
    for (const [key, member] of entries) {
      this.#member(value, "keys", key, key);
      this.#member(value, "get", key, member);
    }
    this.endExtension(start);
  }

  #set(value: Set<unknown>): void {
    const start = this.beginExtension(Extension.SET);
    const members = [...setValues.call(value)];
    this.arrayHeader(members.length);
    for (let index = 0; index < members.length; index++) {
      this.#member(value, "values", index, members[index]);
    }
    this.endExtension(start);
  }

  #member(
    container: object,
    method: string,
    key: unknown,
    member: unknown,
  ): void {
    try {
      this.value(member);
    } catch (reason) {
      const isSimple = typeof key !== "object" && typeof key !== "function";
      const name = isSimple ? String(key) : "key";
      throw partOf(container, `.${method}(${name})`, reason);
    }
  }

  #binary(value: ArrayBuffer | ArrayBufferView): void {
    const kind = binaryKind(value);
    const buffer = value instanceof ArrayBuffer ? value : value.buffer;
    if (kind === undefined || !(buffer instanceof ArrayBuffer)) {
      throw unsendableKind(value, " on shared memory");
    }
    if (buffer.detached) {
      throw unsendableKind(value, " whose memory was transferred (detached)");
    }
    const bytes = value instanceof ArrayBuffer
      ? new Uint8Array(value)
      : new Uint8Array(buffer, value.byteOffset, value.byteLength);
    if (bytes.length < MIN_ATTACHMENT_BYTES) {
      this.extensionHeader(Extension.BINARY, bytes.length + 1);
      this.bytes[this.position++] = kind;
      this.bytes.set(bytes, this.position);
      this.position += bytes.length;
      return;
    }
    // The first attachment comes last in the frame, so its distance from the end
    // is known before the frame is complete.
    this.pending.push(bytes);
    this.pendingBytes += attachedSize(bytes.length);
    this.maxPosition -= attachedSize(bytes.length);
    this.extensionHeader(Extension.ATTACHMENT, 9);
    this.bytes[this.position] = kind;
    this.view.setUint32(this.position + 1, bytes.length);
    this.view.setUint32(
      this.position + 5,
      this.pendingBytes - attachedSize(0),
    );
    this.position += 9;
  }

  /**
   * Encodes an error. It leaves out own properties that can't be sent, because
   * the error itself must arrive.
   */
  #error(error: Error): void {
    if (this.#errors.includes(error)) {
      throw new UnsendablePart("An error can't be sent as part of itself");
    }
    if (this.#errors.length === 0) this.#innerErrors = 0;
    else if (++this.#innerErrors > MAX_INNER_ERRORS) throw tooManyErrors();
    const start = this.beginExtension(Extension.ERROR);
    this.string(errorClassName(error));
    this.string(errorText(error, "name"));
    this.string(errorText(error, "message"));
    this.string(errorText(error, "stack"));
    const countAt = this.skip(5) + 1;
    this.bytes[countAt - 1] = 0xdf;
    this.#errors.push(error);
    let count = 0;
    for (const key of errorKeys(error)) {
      if (this.#errorProperty(error, key)) count++;
    }
    this.#errors.pop();
    this.setUint32(countAt, count);
    this.endExtension(start);
  }

  #errorProperty(error: Error, key: string): boolean {
    const position = this.position;
    const attachments = this.pending.length;
    const depth = this.#depth;
    const errors = this.#errors.length;
    const bytes = position + this.pendingBytes;
    try {
      this.string(key);
      this.value(Reflect.get(error, key));
      return true;
    } catch (reason) {
      this.#leftOutBytes += this.position + this.pendingBytes - bytes;
      // Many errors may share a large property.
      if (this.#leftOutBytes > MAX_FRAME_BYTES) throw reason;
      this.#truncate(position, attachments);
      this.#depth = depth;
      this.#errors.length = errors;
      return false;
    }
  }

  #truncate(position: number, attachments: number): void {
    this.position = position;
    while (this.pending.length > attachments) {
      const size = attachedSize(this.pending.pop()!.length);
      this.pendingBytes -= size;
      this.maxPosition += size;
    }
  }
}

/** Returns the size of an attachment with its bin 32 header. */
function attachedSize(length: number): number {
  return length + 5;
}

/** Whether an object has no prototype, or that of plain objects. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
