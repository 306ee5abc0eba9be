/** Where two values differ, and how. */
export interface Difference {
  readonly path: string;
  readonly actual: unknown;
  readonly expected: unknown;
}

/** Two blobs whose contents must be the same. */
export type BlobPair = readonly [actual: Blob, expected: Blob];

const typedArrayKeys = Uint8Array.prototype.keys;

/**
 * Compares a value that arrived with its structured clone, as exactly as
 * JavaScript can: prototypes, holes, the order of properties, -0 and so on.
 *
 * It takes the documented differences into account: an `AggregateError` keeps
 * its class and errors, and a view of a fixed buffer takes only its part of the
 * buffer along.
 *
 * @param blobs Receives the blobs, whose contents take time to read.
 * @returns The first difference, or `undefined`.
 */
export function cloneDifference(
  actual: unknown,
  expected: unknown,
  blobs: BlobPair[],
  path = "value",
): Difference | undefined {
  if (Object.is(actual, expected)) return undefined;
  const difference = { path, actual, expected };
  if (!isObject(actual) || !isObject(expected)) return difference;
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) {
    return difference;
  }
  for (const [index, one] of facts(actual).entries()) {
    const other = facts(expected)[index];
    const found = cloneDifference(one, other, blobs, `${path}:${index}`);
    if (found) return found;
  }
  if (actual instanceof Blob) {
    blobs.push([actual, expected as Blob]);
    return undefined;
  }
  const keys = ownKeys(actual);
  if (keys.join() !== ownKeys(expected).join()) return difference;
  for (const key of keys) {
    const one = Object.getOwnPropertyDescriptor(actual, key)!;
    const other = Object.getOwnPropertyDescriptor(expected, key)!;
    const step = `${path}[${JSON.stringify(key)}]`;
    if (
      one.enumerable !== other.enumerable || one.writable !== other.writable ||
      one.configurable !== other.configurable
    ) return { path: step, actual: one, expected: other };
    const found = cloneDifference(one.value, other.value, blobs, step);
    if (found) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Returns the own keys that can be compared, in their order. */
function ownKeys(value: object): string[] {
  if (ArrayBuffer.isView(value)) return [];
  // The platform keeps its own state under symbols, and stacks in accessors.
  return Reflect.ownKeys(value).filter((key) => typeof key === "string")
    .filter((key) => !(value instanceof Error && key === "stack"));
}

/** Returns what an object contains besides its properties. */
function facts(value: object): unknown[] {
  if (value instanceof Date) return [value.getTime()];
  if (value instanceof RegExp) return [value.source, value.flags];
  if (value instanceof Map) return [[...value].flat(1)];
  if (value instanceof Set) return [[...value]];
  if (value instanceof File) return [value.name, value.lastModified];
  if (value instanceof DOMException) {
    return [value.name, value.message, value.code, value.stack];
  }
  if (value instanceof Error) return [value.stack];
  if (value instanceof ArrayBuffer) return bufferFacts(value);
  if (ArrayBuffer.isView(value)) return viewFacts(value);
  for (const Class of [Number, String, Boolean, BigInt]) {
    if (value instanceof Class) return [value.valueOf()];
  }
  return value instanceof Blob ? [value.type, value.size] : [];
}

function bufferFacts(value: ArrayBuffer): unknown[] {
  const bytes = new Uint8Array(value);
  return [value.resizable, value.maxByteLength, bytes.join()];
}

function viewFacts(value: ArrayBufferView): unknown[] {
  const { buffer, byteOffset, byteLength } = value;
  if (!(buffer instanceof ArrayBuffer)) throw new TypeError("Shared memory");
  const bytes = new Uint8Array(buffer, byteOffset, byteLength).join();
  if (!buffer.resizable) return [bytes];
  return [bytes, byteOffset, followsBuffer(value, buffer), buffer];
}

/** Returns whether a view's length follows that of its buffer, if it shows. */
function followsBuffer(view: ArrayBufferView, buffer: ArrayBuffer): boolean {
  const before = view.byteLength;
  const { byteLength, maxByteLength } = buffer;
  if (maxByteLength >= byteLength + 8) {
    buffer.resize(byteLength + 8);
    const follows = view.byteLength !== before;
    buffer.resize(byteLength);
    return follows;
  }
  if (before === 0 || view instanceof DataView) return false;
  const bytes = new Uint8Array(buffer).slice();
  buffer.resize(view.byteOffset);
  let follows = true;
  try {
    typedArrayKeys.call(view as Uint8Array);
  } catch {
    follows = false;
  }
  buffer.resize(byteLength);
  new Uint8Array(buffer).set(bytes);
  return follows;
}
