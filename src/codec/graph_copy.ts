import {
  isBoxedPrimitive,
  isCryptoKey,
  isDate,
  isKeyObject,
  isMap,
  isNativeError,
  isRegExp,
  isSet,
  isSymbolObject,
} from "node:util/types";
import { isBlob } from "./blobs.ts";
import type { ContainerWriter } from "./container_writer.ts";
import {
  errorClassName,
  errorKeys,
  errorText,
  lacksMessage,
} from "./error_classes.ts";
import { binaryKind } from "./extensions.ts";
import { isClassInstance } from "./is_class_instance.ts";
import { isDense } from "./is_dense.ts";
import { isPlain } from "./is_plain.ts";
import { tooDeep, unsendableKind, unsendableType } from "./refusals.ts";
import { lengthOf } from "./resizable_buffers.ts";
import { isFarKey, setOwnProperty } from "./set_own_property.ts";
import { memberAccess, partOf, propertyAccess } from "./unsendable_part.ts";
import type { V8Serializer } from "./v8_serializer.ts";
import { MAX_GRAPH_DEPTH } from "./wire_limits.ts";

const { hasOwn } = Object;

// A task may replace the global.
const { URL } = globalThis;

// A subclass may override these methods.
const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;
const objectText = Object.prototype.toString;

/** The elements of a typed array have at most this size, in bytes. */
const MAX_ELEMENT_BYTES = 8;

/** The tables of objects that V8's data refers to. */
export const Table = {
  /** Values that the codec itself encodes, such as URLs. */
  LEAVES: 0,
  /** Objects whose properties follow: errors and sparse arrays, for example. */
  SHELLS: 1,
  BUFFERS: 2,
  VIEWS: 3,
} as const;

/** The texts of an error that is sent. */
export type ErrorHeader = readonly [
  className: string,
  name: string,
  /** `null` if it has none. */
  message: string | null,
  stack: string,
];

/** A shell as it is sent: an error's texts, an array's length, or `null`. */
export type ShellHeader = ErrorHeader | number | null;

/** An object without its properties, and these as key, value, key, value, … */
export interface Shell {
  readonly header: ShellHeader;
  properties: unknown[];
}

/**
 * The kind of a view, the index of its buffer, its offset and its length, which
 * is `null` if it follows that of a resizable buffer.
 */
export type ViewEntry = readonly [
  kind: number,
  buffer: number,
  byteOffset: number,
  byteLength: number | null,
];

/** The used part of a buffer. */
interface BufferUse {
  readonly buffer: ArrayBuffer;
  start: number;
  end: number;
}

interface View {
  readonly kind: number;
  readonly buffer: number;
  readonly byteOffset: number;
  readonly byteLength: number | null;
}

/**
 * Copies a value for V8's serializer. Objects that V8 can't serialize, or not
 * in full, are replaced by stand-ins, and collected in tables.
 */
export class GraphCopy {
  /** How many leaves were written. */
  leaves = 0;
  /** See {@linkcode Table.SHELLS}. */
  readonly shells: Shell[] = [];

  readonly #serializer: V8Serializer;
  readonly #encoder: ContainerWriter;
  readonly #copies = new Map<object, object>();
  /** The keys of {@linkcode GraphCopy.#copies}, in their order. */
  readonly #copied: object[] = [];
  readonly #buffers: BufferUse[] = [];
  /** The indices of {@linkcode GraphCopy.#buffers}. */
  readonly #bufferIndices = new Map<ArrayBuffer, number>();
  readonly #views: View[] = [];
  #depth = 0;

  /**
   * Constructs an empty copy.
   *
   * @param encoder Takes the leaves as the copy encounters them.
   */
  constructor(serializer: V8Serializer, encoder: ContainerWriter) {
    this.#serializer = serializer;
    this.#encoder = encoder;
  }

  /** See {@linkcode Table.BUFFERS}. */
  get buffers(): (ArrayBuffer | Uint8Array)[] {
    return this.#buffers.map(({ buffer, start, end }) =>
      end === Infinity ? buffer : new Uint8Array(buffer, start, end - start)
    );
  }

  /** See {@linkcode Table.VIEWS}. */
  get views(): ViewEntry[] {
    return this.#views.map(({ kind, buffer, byteOffset, byteLength }) => {
      const { start } = this.#buffers[buffer]!;
      return [kind, buffer, byteOffset - start, byteLength];
    });
  }

  /**
   * Copies a value.
   *
   * @throws {UnsendablePart} If a part of the value can't be sent or read.
   */
  copy(value: unknown): unknown {
    switch (typeof value) {
      case "object":
        return value === null ? null : this.#object(value);
      case "function":
      case "symbol":
        throw unsendableType(value);
      default:
        return value;
    }
  }

  #object(value: object): object {
    const copied = this.#copies.get(value);
    if (copied !== undefined) return copied;
    if (++this.#depth > MAX_GRAPH_DEPTH) throw tooDeep(MAX_GRAPH_DEPTH);
    const copy = Array.isArray(value)
      ? this.#array(value)
      : isPlain(value)
      ? this.#plain(value)
      : this.#special(value);
    this.#depth--;
    return copy;
  }

  #special(value: object): object {
    if (ArrayBuffer.isView(value)) return this.#view(value);
    if (value instanceof ArrayBuffer) return this.#whole(value);
    if (value instanceof Error) return this.#error(value);
    if (value instanceof Map) return this.#map(value);
    if (value instanceof Set) return this.#set(value);
    if (isDate(value)) return value;
    if (isBoxedPrimitive(value) && !isSymbolObject(value)) return value;
    if (objectText.call(value) === "[object Object]") return this.#plain(value);
    return this.#rare(value);
  }

  /** Copies an object of another realm, or of a class with a name of its own. */
  #rare(value: object): object {
    if (isMap(value)) return this.#map(value);
    if (isSet(value)) return this.#set(value);
    if (isNativeError(value)) return this.#error(value);
    if (!isLeaf(value) && isClassInstance(value)) return this.#plain(value);
    this.#encoder.part(value);
    return this.#remember(value, this.#stand(Table.LEAVES, this.leaves++));
  }

  #array(value: readonly unknown[]): object {
    const { length } = value;
    if (!isDense(value)) return this.#shell(value, length, Object.keys(value));
    const copy: unknown[] = [];
    this.#remember(value, copy);
    try {
      while (copy.length < length) copy.push(this.copy(value[copy.length]));
    } catch (reason) {
      throw partOf(value, copy.length, reason);
    }
    return copy;
  }

  #plain(value: object): object {
    const keys = Object.keys(value);
    const { length } = keys;
    // Keys that are indices come first, the last of them is the greatest.
    for (let index = 0; index < length && startsWithDigit(keys[index]!);) {
      if (isFarKey(keys[index++]!, length)) {
        return this.#shell(value, null, keys);
      }
    }
    const copy: Record<string, unknown> = {};
    this.#remember(value, copy);
    for (const key of keys) {
      const property = this.#property(value, key);
      // A getter of another property may have deleted it.
      if (property === undefined && !hasOwn(value, key)) continue;
      setOwnProperty(copy, key, property, length);
    }
    return copy;
  }

  /** Copies an object whose properties V8 mustn't serialize. */
  #shell(value: object, header: ShellHeader, keys: readonly string[]): object {
    const shell: Shell = { header, properties: [] };
    const stand = this.#stand(Table.SHELLS, this.shells.push(shell) - 1);
    this.#remember(value, stand);
    for (const key of keys) {
      const property = this.#property(value, key);
      if (property === undefined && !hasOwn(value, key)) continue;
      shell.properties.push(key, property);
    }
    return stand;
  }

  #property(value: object, key: string): unknown {
    try {
      return this.copy((value as Record<string, unknown>)[key]);
    } catch (reason) {
      throw partOf(value, propertyAccess(key), reason);
    }
  }

  /**
   * Copies an error. Own properties that can't be sent are left out, because
   * the error itself must arrive.
   */
  #error(error: Error): object {
    const message = errorText(error, "message");
    const shell: Shell = {
      header: [
        errorClassName(error),
        errorText(error, "name"),
        lacksMessage(error, message) ? null : message,
        errorText(error, "stack"),
      ],
      properties: [],
    };
    const stand = this.#stand(Table.SHELLS, this.shells.push(shell) - 1);
    this.#remember(error, stand);
    for (const key of errorKeys(error)) this.#errorProperty(error, key, shell);
    return stand;
  }

  #errorProperty(error: Error, key: string, { properties }: Shell): void {
    const depth = this.#depth;
    const copied = this.#copied.length;
    const shells = this.shells.length;
    const buffers = this.#buffers.length;
    const views = this.#views.length;
    try {
      properties.push(key, this.copy(Reflect.get(error, key)));
    } catch {
      this.#depth = depth;
      while (this.#copied.length > copied) {
        this.#copies.delete(this.#copied.pop()!);
      }
      this.shells.length = shells;
      while (this.#buffers.length > buffers) {
        this.#bufferIndices.delete(this.#buffers.pop()!.buffer);
      }
      this.#views.length = views;
    }
  }

  #map(value: Map<unknown, unknown>): object {
    const copy = new Map<unknown, unknown>();
    this.#remember(value, copy);
    for (const [key, member] of [...mapEntries.call(value)]) {
      copy.set(
        this.#member(value, "keys", key, key),
        this.#member(value, "get", key, member),
      );
    }
    return copy;
  }

  #set(value: Set<unknown>): object {
    const copy = new Set<unknown>();
    this.#remember(value, copy);
    for (const member of [...setValues.call(value)]) {
      copy.add(this.#member(value, "values", copy.size, member));
    }
    return copy;
  }

  #member(
    container: object,
    method: string,
    key: unknown,
    member: unknown,
  ): unknown {
    try {
      return this.copy(member);
    } catch (reason) {
      throw partOf(container, memberAccess(method, key), reason);
    }
  }

  /** Takes a buffer that isn't only the memory of views. */
  #whole(value: ArrayBuffer): object {
    const index = this.#buffer(value, value);
    this.#use(index, 0, Infinity);
    return this.#remember(value, this.#stand(Table.BUFFERS, index));
  }

  /** Takes a view, and the part of its buffer that it shows. */
  #view(value: ArrayBufferView): object {
    const kind = binaryKind(value);
    const memory = value.buffer;
    if (kind === undefined || !(memory instanceof ArrayBuffer)) {
      throw unsendableKind(value, " on shared memory");
    }
    const buffer = this.#buffer(memory, value);
    const { byteOffset } = value;
    let byteLength: number | null = value.byteLength;
    if (memory.resizable) {
      byteLength = lengthOf(value, memory);
      this.#use(buffer, 0, Infinity);
    } else {
      // Elements must remain aligned.
      const start = byteOffset - byteOffset % MAX_ELEMENT_BYTES;
      this.#use(buffer, start, byteOffset + byteLength);
    }
    const view = { kind, buffer, byteOffset, byteLength };
    const index = this.#views.push(view) - 1;
    return this.#remember(value, this.#stand(Table.VIEWS, index));
  }

  /** Returns the index of a buffer in the table; adds it if it is new. */
  #buffer(buffer: ArrayBuffer, value: object): number {
    if (buffer.detached) {
      throw unsendableKind(value, " whose memory was transferred (detached)");
    }
    let index = this.#bufferIndices.get(buffer);
    if (index === undefined) {
      index = this.#buffers.push({ buffer, start: Infinity, end: 0 }) - 1;
      this.#bufferIndices.set(buffer, index);
    }
    return index;
  }

  #use(index: number, start: number, end: number): void {
    const use = this.#buffers[index]!;
    use.start = Math.min(use.start, start);
    use.end = Math.max(use.end, end);
  }

  #stand(table: number, index: number): object {
    return this.#serializer.stand({ table, index });
  }

  #remember<Copy extends object>(value: object, copy: Copy): Copy {
    this.#copies.set(value, copy);
    this.#copied.push(value);
    return copy;
  }
}

/** Whether an object has contents that aren't properties. */
function isLeaf(value: object): boolean {
  return value instanceof URL || isRegExp(value) || isBlob(value) ||
    isCryptoKey(value) || isKeyObject(value);
}

function startsWithDigit(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 0x30 && first <= 0x39;
}
