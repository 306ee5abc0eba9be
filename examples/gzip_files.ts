/**
 * Finds the files that the gzip example packs, and divides them into batches.
 *
 * @module
 */

import { isAbsolute, join, relative, sep } from "node:path";
import { type Failures, reasonOf, UserError } from "./gzip_errors.ts";

/** The size of a batch, unless it is a single file, in bytes. */
const MAX_BATCH_BYTES = 2 ** 22;

/** The most files in a batch. */
const MAX_BATCH_FILES = 256;

/** The folders to read from and to write to. */
export interface Folders {
  /** The folder whose files are packed, as an absolute path. */
  readonly source: string;
  /** The folder for the packed files; `undefined` to discard them. */
  readonly out: string | undefined;
}

/** The files to pack. */
export interface Batches {
  /** The paths of the files in each batch, relative to the source folder. */
  readonly paths: readonly (readonly string[])[];
  /** The number of files in all batches. */
  readonly files: number;
  /** Their size in bytes. */
  readonly bytes: number;
}

interface FoundFile {
  readonly path: string;
  readonly size: number;
}

/** The buffer that files are read into to count their bytes. */
const buffer = new Uint8Array(2 ** 16);

/**
 * Checks the user's folders, and creates the one for the output.
 *
 * @param source The folder with the files.
 * @param out The folder for the packed files; `undefined` to discard them.
 * @throws {UserError} If the folders can't be used.
 */
export async function prepareFolders(
  source: string,
  out: string | undefined,
): Promise<Folders> {
  const realSource = await realPath(source);
  if (out === undefined) return { source: realSource, out };
  try {
    await Deno.mkdir(out, { recursive: true });
  } catch (error) {
    throw new UserError(`Cannot create the folder ${out}: ${reasonOf(error)}`);
  }
  const realOut = await realPath(out);
  // Otherwise packed files would be packed again.
  if (isWithin(realSource, realOut)) {
    throw new UserError(
      `--out must not be ${source} or a folder that holds it`,
    );
  }
  return { source: realSource, out: realOut };
}

/**
 * Finds all files in the source folder and divides them into batches. Large
 * files come first, so no worker gets a long batch at the end.
 *
 * It reads each file once. That puts the files into the page cache, so the two
 * measurements don't wait for the disk.
 *
 * @param failures Receives the folders that can't be read.
 * @throws {UserError} If there are no files.
 */
export async function findBatches(
  folders: Folders,
  failures: Failures,
): Promise<Batches> {
  const files: FoundFile[] = [];
  for await (const path of walk(folders, failures)) {
    files.push({ path, size: await sizeOf(join(folders.source, path)) });
  }
  if (files.length === 0) throw noFiles(folders, failures);
  files.sort((one, other) => other.size - one.size);
  return {
    paths: [...divide(files)],
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Yields the paths of batches; consecutive files are in the same batch. */
function* divide(files: readonly FoundFile[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const { path, size } of files) {
    const isFull = batch.length === MAX_BATCH_FILES ||
      bytes + size > MAX_BATCH_BYTES;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(path);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Yields the paths of all files below the source folder, relative to it. Skips
 * symbolic links, `.git`, and the folder for the packed files.
 */
async function* walk(
  { source, out }: Folders,
  failures: Failures,
): AsyncGenerator<string> {
  const folders = [""];
  // The loop also visits the folders that are added while it runs.
  for (const folder of folders) {
    try {
      for await (const entry of Deno.readDir(join(source, folder))) {
        if (entry.name === ".git") continue;
        const path = join(folder, entry.name);
        if (entry.isFile) yield path;
        else if (entry.isDirectory && join(source, path) !== out) {
          folders.push(path);
        }
      }
    } catch (error) {
      failures.set(folder === "" ? source : folder, reasonOf(error));
    }
  }
}

function noFiles({ source }: Folders, failures: Failures): UserError {
  const [failure] = failures;
  if (failure === undefined) {
    return new UserError(`There are no files in ${source}`);
  }
  const [folder, reason] = failure;
  return new UserError(`Cannot read the folder ${folder}: ${reason}`);
}

async function realPath(folder: string): Promise<string> {
  let isFolder: boolean;
  try {
    isFolder = (await Deno.stat(folder)).isDirectory;
  } catch (error) {
    throw new UserError(`Cannot read the folder ${folder}: ${reasonOf(error)}`);
  }
  if (!isFolder) throw new UserError(`${folder} is not a folder`);
  return await Deno.realPath(folder);
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way.split(sep)[0] !== "..";
}

/** Counts the bytes that can be read. The task reports errors. */
async function sizeOf(path: string): Promise<number> {
  let size = 0;
  try {
    using file = await Deno.open(path);
    for (;;) {
      const count = await file.read(buffer);
      if (count === null) break;
      size += count;
    }
  } catch {
    // The task will report it.
  }
  return size;
}
