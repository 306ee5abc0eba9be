import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The size of a batch in bytes, unless it is a single file. */
const BATCH_BYTES = 2 ** 16;

/** Files to pack, in batches of about the same size. */
export interface GzipBatches {
  /** The folder that the paths are relative to. */
  readonly folder: string;
  /** The paths of the files in each batch. */
  readonly batches: readonly (readonly string[])[];
}

let found: GzipBatches | undefined;

/** Returns the source files of the pool, which the first call looks for. */
export function gzipBatches(): GzipBatches {
  return found ??= find(fileURLToPath(new URL("../../src", import.meta.url)));
}

function find(folder: string): GzipBatches {
  const batches: string[][] = [];
  let room = 0;
  for (const path of filesBelow(folder, "")) {
    const { size } = Deno.statSync(join(folder, path));
    if (size > room) {
      batches.push([]);
      room = BATCH_BYTES;
    }
    batches.at(-1)!.push(path);
    room -= size;
  }
  return { folder, batches };
}

function* filesBelow(root: string, folder: string): Generator<string> {
  const entries = [...Deno.readDirSync(join(root, folder))];
  for (const { name, isDirectory } of entries) {
    const path = join(folder, name);
    if (isDirectory) yield* filesBelow(root, path);
    else yield path;
  }
}
