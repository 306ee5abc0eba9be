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
  /**
   * Class, name, message (nil if it has none) and stack, and a map of own
   * properties.
   */
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
  /**
   * The elements of an array of numbers: a binary kind (`Int8Array`,
   * `Int16Array`, `Int32Array` or `Float64Array`), then the bytes.
   */
  NUMBERS: 12,
  /** For an array of strings: an encoding (0: ASCII, 1: UTF-8), then JSON. */
  STRINGS: 13,
  /**
   * For an array with holes or other properties: its length, an array of its
   * elements and gaps, and a map of its other properties.
   */
  ARRAY: 20,
  /** How many elements are missing, as 4 bytes; only within an ARRAY. */
  GAP: 21,
  /** One boolean, number, string or bigint. */
  BOXED: 22,
  /**
   * One array: binary kind, greatest length of the buffer, offset, length (nil
   * if it follows that of the buffer), `ArrayBuffer` with the content.
   */
  RESIZABLE: 23,
  /**
   * Two values: media type and nil, or three: media type, file name and time
   * of the last change. Then length and distance, as in ATTACHMENT.
   */
  BLOB: 24,
  /**
   * One array: key type, bytes (raw, PKCS #8 or SPKI), algorithm (nil for a
   * `KeyObject`), extractable, usages.
   */
  KEY: 25,
} as const;

interface ViewConstructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer, offset?: number, length?: number): ArrayBufferView;
}

/** The kind number of an `ArrayBuffer`, which isn't a view. */
export const ARRAY_BUFFER_KIND = 0;

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

/** Returns the class of views of a kind, and the size of its elements. */
function viewOfKind(kind: number): { View: ViewConstructor; size: number } {
  const View = VIEWS[kind - 1];
  if (View === undefined) throw new RangeError(`No binary kind ${kind}`);
  return { View, size: View.BYTES_PER_ELEMENT ?? 1 };
}

/**
 * Makes a view of a buffer.
 *
 * @param length The view's length in bytes; `null` if it follows the buffer's.
 * @throws {RangeError} If the kind isn't that of a view, or the view doesn't fit
 * the buffer.
 */
export function makeView(
  kind: number,
  buffer: ArrayBuffer,
  offset: number,
  length: number | null,
): ArrayBufferView {
  const { View, size } = viewOfKind(kind);
  if (length === null) return new View(buffer, offset);
  return new View(buffer, offset, elementsIn(length, size));
}

/** Returns how many elements of `size` bytes there are in `length` bytes. */
function elementsIn(length: number, size: number): number {
  if (length % size === 0) return length / size;
  throw new RangeError(`${length} bytes don't fill elements of ${size}`);
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
  const { View, size } = viewOfKind(kind);
  const elements = elementsIn(length, size);
  if (copy || offset % size !== 0) {
    return new View(buffer.slice(offset, offset + length));
  }
  return new View(buffer, offset, elements);
}
