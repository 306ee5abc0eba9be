/** The most parts of an array or object that are counted. */
const MAX_PARTS = 16;

/** The most levels of nested arrays and objects that are counted. */
const MAX_DEPTH = 3;

// Tasks may replace it.
const { Blob } = globalThis;

/**
 * Returns a lower bound of a value's size in bytes. It counts strings, blobs and
 * binary data, also in short arrays, and calls no getter of a user's object.
 *
 * @param inObjects Whether to count the properties of objects too, which takes
 * longer.
 */
export function roughSize(value: unknown, inObjects: boolean): number {
  return sizeAt(value, inObjects, 0);
}

function sizeAt(value: unknown, inObjects: boolean, depth: number): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return value.byteLength;
  }
  if (value instanceof Blob) return blobSize(value);
  if (depth === MAX_DEPTH) return 0;
  let size = 0;
  if (Array.isArray(value)) {
    if (value.length > MAX_PARTS) return 0;
    for (const part of value) size += sizeAt(part, inObjects, depth + 1);
  } else if (inObjects) {
    for (const key of Object.keys(value).slice(0, MAX_PARTS)) {
      const part = Object.getOwnPropertyDescriptor(value, key)?.value;
      size += sizeAt(part, inObjects, depth + 1);
    }
  }
  return size;
}

function blobSize(blob: Blob): number {
  try {
    return blob.size;
  } catch {
    // Its prototype is that of a blob, and nothing else.
    return 0;
  }
}
