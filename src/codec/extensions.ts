/**
 * The MessagePack extension types with which JavaScript values travel that
 * plain MessagePack has no format for. Encoder and decoder share this table.
 *
 * @see {@link https://github.com/msgpack/msgpack/blob/master/spec.md#extension-types}
 *
 * @module
 */

/** Extension type numbers; 0 to 127 are free for applications to define. */
export const Extension = {
  /** One zero byte. */
  UNDEFINED: 0,
  /** Milliseconds since the epoch as a float64; NaN is an invalid date. */
  DATE: 1,
  /** Hexadecimal text, for integers that don't fit MessagePack's 64 bits. */
  BIGINT: 2,
  /** Two values: source and flags. */
  REGEXP: 3,
  /** Four strings, class, name, message, stack; a map of own properties. */
  ERROR: 4,
  /** One array: key, value, key, value, … */
  MAP: 5,
  /** One array of members. */
  SET: 6,
  /** A binary kind, then the bytes. */
  BINARY: 7,
  /** A binary kind, a length and a distance from the end of the frame. */
  ATTACHMENT: 8,
  /** The text of a URL. */
  URL: 9,
  /** UTF-16 code units, for strings that aren't well-formed Unicode. */
  UTF16: 10,
} as const;

interface ViewConstructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer, offset?: number, length?: number): ArrayBufferView;
}

/** The kind of an `ArrayBuffer`, which is no view and so not in the list. */
const ARRAY_BUFFER_KIND = 0;

/** Views on bytes; the index in this list plus one is the kind sent along. */
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

/** The kind of a view or buffer, or `undefined` if it is of no known kind. */
export function binaryKind(
  value: ArrayBuffer | ArrayBufferView,
): number | undefined {
  if (value instanceof ArrayBuffer) return ARRAY_BUFFER_KIND;
  // Subclasses such as Node's Buffer travel as the typed array they extend.
  const tag = value instanceof DataView
    ? "DataView"
    : (value as unknown as { [Symbol.toStringTag]: string })[
      Symbol.toStringTag
    ];
  return KINDS.get(tag);
}

/**
 * Makes a view or buffer of `kind` of `length` bytes at `offset` of `buffer`.
 *
 * @param copy Whether it must have a buffer of its own.
 * @throws {RangeError} If there is no such kind or its elements don't fit.
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
