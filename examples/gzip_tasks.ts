/**
 * The task of the gzip example. Each worker imports this module.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { reasonOf } from "./gzip_errors.ts";

/** The result of packing some files. */
export interface Packed {
  /** The number of files that were packed. */
  readonly files: number;
  /** Their size in bytes. */
  readonly bytesIn: number;
  /** The size of the packed files in bytes. */
  readonly bytesOut: number;
  /** The files that couldn't be packed, each with the reason. */
  readonly failures: readonly (readonly [path: string, reason: string])[];
}

/**
 * A file is packed in blocks of this size, so a large file needs no more memory
 * than a block. A gzip file may have several members; each block becomes one.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc1952#section-2.2}
 */
const block = new Uint8Array(16 * 2 ** 20);

/** The smallest output buffer, in bytes; zlib takes no less than 64. */
const MIN_CHUNK = 1_024;

/**
 * Packs files, and checks that each unpacks to the same bytes.
 *
 * Returns failures instead of throwing them, because the first error would end
 * the whole map.
 *
 * @param folder The folder that the paths are relative to.
 * @param out The folder for the packed files; `undefined` to discard them.
 * @param paths The files.
 */
export function packFiles(
  folder: string,
  out: string | undefined,
  paths: readonly string[],
): Packed {
  const failures: [string, string][] = [];
  let bytesIn = 0;
  let bytesOut = 0;
  for (const path of paths) {
    try {
      const [read, written] = packFile(folder, out, path);
      bytesIn += read;
      bytesOut += written;
    } catch (error) {
      failures.push([path, reasonOf(error)]);
    }
  }
  const files = paths.length - failures.length;
  return { files, bytesIn, bytesOut, failures };
}

/** Returns the sizes of the file and of the packed file. */
function packFile(
  folder: string,
  out: string | undefined,
  path: string,
): [number, number] {
  using source = Deno.openSync(join(folder, path));
  if (out === undefined) return packBlocks(source);
  const target = join(out, `${path}.gz`);
  Deno.mkdirSync(dirname(target), { recursive: true });
  using file = Deno.createSync(target);
  try {
    return packBlocks(source, file);
  } catch (error) {
    Deno.removeSync(target);
    throw error;
  }
}

// The worker does nothing else at the same time, so synchronous calls are fine,
// and gzipSync is faster than a CompressionStream, especially for small files.
function packBlocks(
  source: Deno.FsFile,
  target?: Deno.FsFile,
): [number, number] {
  let bytesIn = 0;
  let bytesOut = 0;
  let filled: number;
  do {
    filled = fillBlock(source);
    const bytes = block.subarray(0, filled);
    // An output buffer that fits leaves less garbage than many small ones.
    const chunkSize = Math.max(MIN_CHUNK, filled + 1);
    const packed = gzipSync(bytes, { chunkSize });
    if (!gunzipSync(packed, { chunkSize }).equals(bytes)) {
      throw new Error("it didn't unpack to the same bytes");
    }
    if (target !== undefined) writeAll(target, packed);
    bytesIn += filled;
    bytesOut += packed.length;
  } while (filled === block.length);
  return [bytesIn, bytesOut];
}

/** Reads until the block is full or the file ends; returns the byte count. */
function fillBlock(source: Deno.FsFile): number {
  let filled = 0;
  while (filled < block.length) {
    const count = source.readSync(block.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return filled;
}

function writeAll(target: Deno.FsFile, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    written += target.writeSync(bytes.subarray(written));
  }
}
