/**
 * Reads and makes blobs with the platform's own methods, which tasks and
 * subclasses may replace.
 *
 * @module
 */

const { Blob, File } = globalThis;
const { arrayBuffer, slice } = Blob.prototype;
const size = getterOf(Blob.prototype, "size");
const type = getterOf(Blob.prototype, "type");
const name = getterOf(File.prototype, "name");
const lastModified = getterOf(File.prototype, "lastModified");

/** What a `Blob` or `File` has besides its content. */
export interface BlobInfo {
  /** The media type. */
  readonly type: string;
  /** The name of a file; `undefined` for other blobs. */
  readonly name: string | undefined;
  /** When the file last changed, in milliseconds since the epoch. */
  readonly lastModified: number;
}

/** Returns whether a value is a `Blob` or `File`. */
export function isBlob(value: unknown): value is Blob {
  return value instanceof Blob;
}

/** Returns the size of a blob in bytes. */
export function blobSize(blob: Blob): number {
  return size.call(blob) as number;
}

/** Returns what a blob has besides its content. */
export function blobInfo(blob: Blob): BlobInfo {
  const isFile = blob instanceof File;
  return {
    type: type.call(blob) as string,
    name: isFile ? name.call(blob) as string : undefined,
    lastModified: isFile ? lastModified.call(blob) as number : 0,
  };
}

/** Reads the bytes of a blob from `start` up to but not including `end`. */
export async function readBlob(
  blob: Blob,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const part = slice.call(blob, start, end);
  return new Uint8Array(await arrayBuffer.call(part));
}

/** Makes a blob of a copy of some bytes. */
export function makeBlob(
  bytes: Uint8Array<ArrayBuffer>,
  { type, name, lastModified }: BlobInfo,
): Blob {
  return name === undefined
    ? new Blob([bytes], { type })
    : new File([bytes], name, { type, lastModified });
}

function getterOf(
  prototype: object,
  key: string,
): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!;
}
