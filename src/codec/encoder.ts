import {
  isBoxedPrimitive,
  isCryptoKey,
  isDate,
  isKeyObject,
  isMap,
  isNativeError,
  isRegExp,
  isSet,
} from "node:util/types";
import { isBlob } from "./blobs.ts";
import { unbox } from "./boxed.ts";
import { ContainerWriter } from "./container_writer.ts";
import { keyParts } from "./crypto_keys.ts";
import {
  errorClassName,
  errorKeys,
  errorText,
  lacksMessage,
} from "./error_classes.ts";
import { Extension } from "./extensions.ts";
import { writeGraph } from "./graph_writer.ts";
import { isClassInstance } from "./is_class_instance.ts";
import { isPlain } from "./is_plain.ts";
import { isTree } from "./is_tree.ts";
import {
  tooDeep,
  tooManyContainers,
  tooManyErrors,
  tooResizable,
  unsendableKind,
  unsendableType,
} from "./refusals.ts";
import {
  isResizable,
  resizableCost,
  resizableParts,
} from "./resizable_buffers.ts";
import { memberAccess, partOf, UnsendablePart } from "./unsendable_part.ts";
import type { V8Serializer } from "./v8_serializer.ts";
import {
  MAX_CONTAINERS,
  MAX_DEPTH,
  MAX_FRAME_BYTES,
  MAX_INNER_ERRORS,
  MAX_RESIZABLE_COST,
} from "./wire_limits.ts";

const objectText = Object.prototype.toString;

// A task may replace the global.
const { URL } = globalThis;

// A subclass may override these methods.
const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;

/**
 * Appends values as MessagePack to a buffer that grows.
 *
 * A value without a MessagePack format becomes an {@linkcode Extension}.
 *
 * @see {@link https://github.com/msgpack/msgpack/blob/master/spec.md}
 */
export class Encoder extends ContainerWriter {
  /**
   * What the resizable buffers of the current frame cost the receiver beyond
   * the bytes of the frame. The frame writer sets it to 0.
   */
  resizableCost = 0;
  /** If it is set, values keep shared references and cycles. */
  serializer: V8Serializer | undefined;

  #depth = 0;
  /** The cost of resizable buffers before the value. */
  #costBefore = 0;
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
   * @param isList Whether the value is a list of the protocol. Only its elements
   * are sent; holes arrive as `undefined`.
   * @throws {UnsendablePart} If a part of the value can't be sent or read.
   * @throws {TypeError} If the value can't be read, or is too large.
   */
  value(value: unknown, isList = false): void {
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
        return this.#nested(value, isList);
      case "bigint":
        return this.bigint(value);
      default:
        throw unsendableType(value);
    }
  }

  /** Appends a list of the protocol, whose elements are values. */
  list(list: readonly unknown[]): void {
    if (this.uniformList(list)) return;
    if (this.serializer === undefined) return this.value(list, true);
    // Then each element is a value of its own.
    const before = this.resizableCost;
    this.array(list, true);
    if (this.resizableCost - before > MAX_RESIZABLE_COST) throw tooResizable();
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
    this.truncate(position, attachments);
    this.#depth = 0;
    this.#errors.length = 0;
  }

  #nested(value: object, isList: boolean): void {
    if (this.#depth === 0) {
      this.#containers = this.#leftOutBytes = 0;
      this.#costBefore = this.resizableCost;
      if (this.serializer !== undefined && !isTree(value)) {
        return this.#graph(value, this.serializer);
      }
    }
    if (++this.#depth > MAX_DEPTH) throw tooDeep();
    if (++this.#containers > MAX_CONTAINERS) throw tooManyContainers();
    if (Array.isArray(value)) this.array(value, isList);
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

  #plain(value: object): void {
    this.properties(value, Object.keys(value));
  }

  #special(value: object): void {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
      if (isResizable(buffer)) this.#resizable(value, buffer);
      else this.binary(value, buffer);
    } else if (value instanceof Error) {
      this.#error(value);
    } else if (value instanceof Map) {
      this.#map(value);
    } else if (value instanceof Set) {
      this.#set(value);
    } else if (isDate(value) || value instanceof Date) {
      this.date(value);
    } else if (value instanceof RegExp) {
      this.regExp(value);
    } else if (value instanceof URL) {
      this.extensionText(Extension.URL, value.href);
    } else if (objectText.call(value) === "[object Object]") {
      // Like structuredClone, sends the own properties of a class instance.
      this.#plain(value);
    } else {
      this.#rare(value);
    }
  }

  #rare(value: object): void {
    if (isBlob(value)) {
      this.blob(value);
    } else if (isBoxedPrimitive(value)) {
      this.#boxed(value);
    } else if (isCryptoKey(value) || isKeyObject(value)) {
      const start = this.beginExtension(Extension.KEY);
      this.value(keyParts(value), true);
      this.endExtension(start);
    } else if (isMap(value)) {
      // This object and the following ones are of another realm.
      this.#map(value);
    } else if (isSet(value)) {
      this.#set(value);
    } else if (isRegExp(value)) {
      this.regExp(value);
    } else if (isNativeError(value)) {
      this.#error(value);
    } else if (isClassInstance(value)) {
      this.#plain(value);
    } else {
      throw unsendableKind(value);
    }
  }

  #boxed(value: object): void {
    const primitive = unbox(value);
    if (primitive === undefined) throw unsendableKind(value);
    const start = this.beginExtension(Extension.BOXED);
    this.value(primitive);
    this.endExtension(start);
  }

  #resizable(
    value: ArrayBuffer | ArrayBufferView,
    buffer: ArrayBuffer,
  ): void {
    const cost = this.resizableCost + resizableCost(buffer.maxByteLength);
    if (cost - this.#costBefore > MAX_RESIZABLE_COST) throw tooResizable();
    this.resizableCost = cost;
    const start = this.beginExtension(Extension.RESIZABLE);
    this.value(resizableParts(value, buffer), true);
    this.endExtension(start);
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
      throw partOf(container, memberAccess(method, key), reason);
    }
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
    const message = errorText(error, "message");
    this.value(lacksMessage(error, message) ? null : message);
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
    const cost = this.resizableCost;
    const bytes = position + this.pendingBytes;
    try {
      this.string(key);
      this.value(Reflect.get(error, key));
      return true;
    } catch (reason) {
      this.#leftOutBytes += this.position + this.pendingBytes - bytes;
      // Many errors may share a large property.
      if (this.#leftOutBytes > MAX_FRAME_BYTES) throw reason;
      this.truncate(position, attachments);
      this.#depth = depth;
      this.#errors.length = errors;
      this.resizableCost = cost;
      return false;
    }
  }
}
