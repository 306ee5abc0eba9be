import { ARRAY_BUFFER_KIND, binaryKind, makeView } from "./extensions.ts";
import { malformed } from "./texts.ts";

/** The page size of most systems, in bytes. */
const PAGE_BYTES = 4_096;

// Tasks may replace it.
const { structuredClone } = globalThis;
const typedArrayKeys = Uint8Array.prototype.keys;

/** A resizable buffer, or a view of one, in the form that is sent. */
export type ResizableParts = [
  kind: number,
  maxByteLength: number,
  offset: number,
  /** In bytes; `null` if a view's length follows that of its buffer. */
  length: number | null,
  content: ArrayBuffer,
];

/** Returns whether a buffer has memory that can be resized. */
export function isResizable(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return (buffer as ArrayBuffer).resizable === true &&
    !(buffer as ArrayBuffer).detached;
}

/** Returns what a resizable buffer costs the receiver, in bytes. */
export function resizableCost(maxByteLength: number): number {
  return PAGE_BYTES + Math.ceil(maxByteLength / PAGE_BYTES);
}

/**
 * Takes a resizable buffer, or a view of one, apart.
 *
 * @throws {TypeError} If the buffer has become too short for the view.
 */
export function resizableParts(
  value: ArrayBuffer | ArrayBufferView,
  buffer: ArrayBuffer,
): ResizableParts {
  const { maxByteLength } = buffer;
  // The buffer may be resized before it is sent.
  const content = new ArrayBuffer(buffer.byteLength);
  new Uint8Array(content).set(new Uint8Array(buffer));
  if (!ArrayBuffer.isView(value)) {
    return [ARRAY_BUFFER_KIND, maxByteLength, 0, null, content];
  }
  const length = lengthOf(value, buffer);
  return [binaryKind(value)!, maxByteLength, value.byteOffset, length, content];
}

/**
 * Returns the length of a view of a resizable buffer in bytes, or `null` if it
 * follows the length of its buffer.
 *
 * @throws {TypeError} If the buffer has become too short for the view.
 */
export function lengthOf(
  view: ArrayBufferView,
  buffer: ArrayBuffer,
): number | null {
  // Throws if the view is out of bounds, like `byteLength` of a DataView.
  if (!(view instanceof DataView)) typedArrayKeys.call(view as Uint8Array);
  const { byteLength } = view;
  return followsBuffer(view, buffer) ? null : byteLength;
}

/** Returns whether the length of a view follows that of its buffer. */
function followsBuffer(view: ArrayBufferView, buffer: ArrayBuffer): boolean {
  const { BYTES_PER_ELEMENT = 1 } = view as Partial<Uint8Array>;
  const rest = buffer.byteLength - view.byteOffset - view.byteLength;
  if (rest >= BYTES_PER_ELEMENT) return false;
  // Only resizing shows the difference now. A clone can be resized unnoticed.
  const clone = structuredClone(view);
  const copy = clone.buffer as ArrayBuffer;
  const longer = copy.byteLength + BYTES_PER_ELEMENT;
  if (longer <= copy.maxByteLength) {
    copy.resize(longer);
    return clone.byteLength > view.byteLength;
  }
  copy.resize(view.byteOffset);
  try {
    if (clone instanceof DataView) return clone.byteLength === 0;
    typedArrayKeys.call(clone as Uint8Array);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes a resizable buffer, or a view of one.
 *
 * @throws {RangeError} If the parts don't fit together.
 */
export function makeResizable(
  parts: readonly unknown[],
): ArrayBuffer | ArrayBufferView {
  const [kind, maxByteLength, offset, length, content] = parts;
  if (
    typeof kind !== "number" || typeof maxByteLength !== "number" ||
    typeof offset !== "number" ||
    !(length === null || typeof length === "number") ||
    !(content instanceof ArrayBuffer) || parts.length !== 5
  ) throw malformed("a resizable buffer has wrong fields");
  const buffer = new ArrayBuffer(content.byteLength, { maxByteLength });
  new Uint8Array(buffer).set(new Uint8Array(content));
  if (kind === ARRAY_BUFFER_KIND) return buffer;
  return makeView(kind, buffer, offset, length);
}
