/**
 * The task of the gzip example. The workers import this module by themselves.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { reasonOf } from "./gzip_errors.ts";

/** What became of a file: its sizes, or why it couldn't be packed. */
export type Outcome =
  | { readonly bytesIn: number; readonly bytesOut: number }
  | { readonly path: string; readonly reason: string };

/**
 * A file is packed in blocks of this size, to need no more memory for a large
 * one. A gzip file may consist of several members, and each block is one.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc1952#section-2.2}
 */
const block = new Uint8Array(16 * 2 ** 20);

/**
 * Packs a file, and checks that it unpacks to the same bytes.
 *
 * What goes wrong is returned, not thrown, since a map ends with the first
 * error and here the other files are to go on.
 *
 * @param folder The folder that `path` is relative to.
 * @param out The folder for the packed file, if it is to be kept.
 * @param path The file.
 */
export function pack(
  folder: string,
  out: string | undefined,
  path: string,
): Outcome {
  try {
    using source = Deno.openSync(join(folder, path));
    if (out === undefined) return packBlocks(source);
    return packInto(join(out, `${path}.gz`), source);
  } catch (error) {
    return { path, reason: reasonOf(error) };
  }
}

function packInto(path: string, source: Deno.FsFile): Outcome {
  Deno.mkdirSync(dirname(path), { recursive: true });
  using target = Deno.createSync(path);
  try {
    return packBlocks(source, target);
  } catch (error) {
    Deno.removeSync(path);
    throw error;
  }
}

// A worker has nothing else to do meanwhile, so this needs no promises; and
// gzipSync takes less time than a CompressionStream, most of all with files
// that are small.
function packBlocks(source: Deno.FsFile, target?: Deno.FsFile): Outcome {
  let bytesIn = 0;
  let bytesOut = 0;
  let filled: number;
  do {
    filled = fillBlock(source);
    const bytes = block.subarray(0, filled);
    const packed = gzipSync(bytes);
    if (!gunzipSync(packed).equals(bytes)) {
      throw new Error("it didn't unpack to the same bytes");
    }
    if (target !== undefined) writeAll(target, packed);
    bytesIn += filled;
    bytesOut += packed.length;
  } while (filled === block.length);
  return { bytesIn, bytesOut };
}

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
