/**
 * The extension types for JavaScript values that MessagePack has no format for.
 * Encoder and decoder share this table.
 *
 * @see {@link https://github.com/msgpack/msgpack/blob/master/spec.md#extension-types}
 *
 * @module
 */

/** Extension type numbers; applications may define 0 to 127. */
export const Extension = {
  /** One zero byte. */
  UNDEFINED: 0,
  /** Milliseconds since the epoch as a float64; NaN is an invalid date. */
  DATE: 1,
  /** Hexadecimal text, for integers of more than 64 bits. */
  BIGINT: 2,
  /** Two values: source and flags. */
  REGEXP: 3,
  /** Four strings (class, name, message, stack) and a map of own properties. */
  ERROR: 4,
  /** One array: key, value, key, value, … */
  MAP: 5,
  /** One array of members. */
  SET: 6,
  /** A binary kind, then the bytes. */
  BINARY: 7,
  /** A binary kind, a length, and the distance from the end of the frame. */
  ATTACHMENT: 8,
  /** The text of a URL. */
  URL: 9,
  /** UTF-16 code units, for strings that aren't well-formed Unicode. */
  UTF16: 10,
  /**
   * Four arrays (leaves, shells, buffers, views) and data of V8's serializer,
   * which refers to their elements.
   */
  GRAPH: 11,
} as const;

interface ViewConstructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer, offset?: number, length?: number): ArrayBufferView;
}

/** The kind number of an `ArrayBuffer`, which isn't a view. */
const ARRAY_BUFFER_KIND = 0;

/** The classes of views; a view's kind is its index here plus 1. */
const VIEWS: readonly ViewConstructor[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
  Float16Array,
];

const KINDS = new Map<string, number>(
  VIEWS.map((view, index) => [view.name, index + 1]),
);

/** Returns the kind of a view or buffer, or `undefined` if it is unknown. */
export function binaryKind(
  value: ArrayBuffer | ArrayBufferView,
): number | undefined {
  if (value instanceof ArrayBuffer) return ARRAY_BUFFER_KIND;
  // A subclass, such as Node's Buffer, is sent as the class that it extends.
  const tag = value instanceof DataView
    ? "DataView"
    : (value as unknown as { [Symbol.toStringTag]: string })[
      Symbol.toStringTag
    ];
  return KINDS.get(tag);
}

/**
 * Makes a view or buffer of `length` bytes at `offset` of `buffer`.
 *
 * @param copy Whether it must have a buffer of its own.
 * @throws {RangeError} If the kind is unknown, or `length` bytes aren't a whole
 * number of elements.
 */
export function makeBinary(
  kind: number,
  buffer: ArrayBuffer,
  offset: number,
  length: number,
  copy: boolean,
): ArrayBuffer | ArrayBufferView {
  if (kind === ARRAY_BUFFER_KIND) return buffer.slice(offset, offset + length);
  const View = VIEWS[kind - 1];
  if (View === undefined) throw new RangeError(`No binary kind ${kind}`);
  const size = View.BYTES_PER_ELEMENT ?? 1;
  if (length % size !== 0) {
    throw new RangeError(`${length} bytes don't fill elements of ${size}`);
  }
  if (copy || offset % size !== 0) {
    return new View(buffer.slice(offset, offset + length));
  }
  return new View(buffer, offset, length / size);
}
