/**
 * Finds the files that the gzip example packs.
 *
 * @module
 */

import { isAbsolute, join, relative, sep } from "node:path";
import { type Failures, reasonOf, UserError } from "./gzip_errors.ts";

/** What is to be packed, and where the packed files go. */
export interface Job {
  /** The folder whose files are packed, as an absolute path. */
  readonly folder: string;
  /** The folder that keeps the packed files, if they are kept. */
  readonly out: string | undefined;
}

/** What files are read into, to be counted. */
const block = new Uint8Array(2 ** 16);

/** How much there is to pack. */
export interface Survey {
  /** The number of files. */
  readonly files: number;
  /** Their size together. */
  readonly bytes: number;
}

/**
 * Makes the job of packing a folder's files.
 *
 * @param folder The folder.
 * @param out The folder for the packed files, which is made if need be.
 * @throws {UserError} If it can't be done with these folders.
 */
export async function makeJob(
  folder: string,
  out: string | undefined,
): Promise<Job> {
  const realFolder = await realPath(folder);
  if (out === undefined) return { folder: realFolder, out };
  try {
    await Deno.mkdir(out, { recursive: true });
  } catch (error) {
    throw new UserError(`Cannot make the folder ${out}: ${reasonOf(error)}`);
  }
  const realOut = await realPath(out);
  // What is written would be found and packed again.
  if (isWithin(realFolder, realOut)) {
    throw new UserError(`--out must be neither ${folder} nor a folder above`);
  }
  return { folder: realFolder, out: realOut };
}

/**
 * Yields the paths of the files below a job's folder, relative to it.
 *
 * It looks into a folder only when the files before it were taken, so packing
 * starts at once and no list of all files is made. Symbolic links aren't
 * followed, and `.git` and the folder with the packed files are left out.
 *
 * @param job What is to be packed.
 * @param failures Gets the folders that can't be read.
 */
export async function* walk(
  job: Job,
  failures: Failures,
): AsyncGenerator<string> {
  const folders = [""];
  // The loop also visits the folders that are added while it runs.
  for (const folder of folders) {
    try {
      for await (const entry of Deno.readDir(join(job.folder, folder))) {
        if (entry.name === ".git") continue;
        const path = join(folder, entry.name);
        if (entry.isFile) yield path;
        else if (entry.isDirectory && join(job.folder, path) !== job.out) {
          folders.push(path);
        }
      }
    } catch (error) {
      failures.set(folder === "" ? job.folder : folder, reasonOf(error));
    }
  }
}

/** Yields the same paths several times over. */
export async function* walkRounds(
  job: Job,
  rounds: number,
  failures: Failures,
): AsyncGenerator<string> {
  for (let round = 0; round < rounds; round++) yield* walk(job, failures);
}

/**
 * Counts the files and their bytes, so that progress can be told in percent.
 *
 * This is a walk of its own, which takes less memory than a list of the files.
 * It reads them, so that the system has them at hand for all that follow and
 * none is slower for being first. What it can't read, those report.
 *
 * @throws {UserError} If there is nothing to pack.
 */
export async function survey(job: Job): Promise<Survey> {
  const failures: Failures = new Map();
  let files = 0;
  let bytes = 0;
  for await (const path of walk(job, failures)) {
    files++;
    bytes += await sizeOf(join(job.folder, path));
  }
  if (files > 0) return { files, bytes };
  const [failure] = failures;
  throw new UserError(
    failure === undefined
      ? `There are no files below ${job.folder}`
      : `Cannot read the folder ${failure[0]}: ${failure[1]}`,
  );
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

async function sizeOf(path: string): Promise<number> {
  let size = 0;
  try {
    using file = await Deno.open(path);
    for (;;) {
      const count = await file.read(block);
      if (count === null) break;
      size += count;
    }
  } catch {
    // It counts as far as it could be read.
  }
  return size;
}
