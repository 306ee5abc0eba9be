/**
 * Packs every file in a folder with gzip on all cores, and checks that each
 * unpacks to the same bytes. Then it does the same work in one process, and
 * prints how much faster the pool was.
 *
 * Run it with `deno run -A examples/gzip.ts [folder]`, or with `--help`.
 *
 * @module
 */

import {
  bind,
  BrokenPoolError,
  importTasks,
  Pool,
  WorkerLostError,
} from "@distex/pool";
import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { type Failures, reportFailures, UserError } from "./gzip_errors.ts";
import {
  type Batches,
  findBatches,
  type Folders,
  prepareFolders,
} from "./gzip_files.ts";
import { formatBytes, formatRate, Progress } from "./gzip_progress.ts";
import { type Packed, packFiles } from "./gzip_tasks.ts";

const HELP = `Packs every file in a folder with gzip, on all cores.

Usage: deno run -A examples/gzip.ts [options] [folder]

Without a folder, it packs the files of this project and its dependencies, and
repeats that until there is enough work for a clear result. It skips symbolic
links and .git.

Options:
  --workers N   the number of worker processes; one per CPU by default
  --out FOLDER  keep the packed files there, in the same subfolders
  --rounds N    how many times to pack each file; with a folder, once by default
  --help        show this`;

/** The shortest time in one process that is enough work for a comparison. */
const MIN_SECONDS = 1;

/** The number of bytes to pack if the user gives no folder. */
const ENOUGH_BYTES = 320e6;

/** The command line. */
interface Options {
  readonly folder: string;
  readonly workers: number | undefined;
  readonly out: string | undefined;
  /** How many times to pack each file; `undefined` to choose by size. */
  readonly rounds: number | undefined;
}

/** The work that both the pool and the single process do. */
interface Work {
  readonly folders: Folders;
  readonly batches: Batches;
  readonly rounds: number;
}

/** The packed files, and how long it took. */
interface Tally extends Omit<Packed, "failures"> {
  readonly failures: Failures;
  readonly seconds: number;
}

/** The result of a pool, and how long the pool took to start. */
interface PoolTally extends Tally {
  readonly workers: number;
  readonly startSeconds: number;
}

async function packWithPool(
  work: Work,
  workers: number | undefined,
): Promise<PoolTally> {
  const start = performance.now();
  await using pool = workers === undefined ? new Pool() : new Pool(workers);
  await pool.ready;
  const startSeconds = (performance.now() - start) / 1000;
  using progress = new Progress("Pool", totalBytes(work));
  const tasks = importTasks<typeof import("./gzip_tasks.ts")>(
    import.meta.resolve("./gzip_tasks.ts"),
  );
  // The pool sends only paths. The workers read the files and return only sizes.
  const { source, out } = work.folders;
  const pack = bind(tasks.packFiles, source, out);
  const results = pool.map(pack, allBatches(work), {
    chunkSize: 1,
    ordered: false,
  });
  const tally = await collect(results, progress);
  return { ...tally, startSeconds, workers: pool.totalWorkers };
}

/** Does the same work with the same function, in this process. */
async function packAlone(work: Work): Promise<Tally> {
  using progress = new Progress("One process", totalBytes(work));
  const { source, out } = work.folders;
  const results = allBatches(work)
    .map((paths) => packFiles(source, out, paths));
  return await collect(results, progress);
}

function totalBytes({ batches, rounds }: Work): number {
  return batches.bytes * rounds;
}

function* allBatches({ batches, rounds }: Work): Generator<readonly string[]> {
  for (let round = 0; round < rounds; round++) yield* batches.paths;
}

/** Adds up results as they arrive. */
async function collect(
  results: Iterable<Packed> | AsyncIterable<Packed>,
  progress: Progress,
): Promise<Tally> {
  const failures: Failures = new Map();
  let files = 0;
  let bytesIn = 0;
  let bytesOut = 0;
  for await (const result of results) {
    files += result.files;
    bytesIn += result.bytesIn;
    bytesOut += result.bytesOut;
    for (const [path, reason] of result.failures) failures.set(path, reason);
    progress.update(bytesIn);
  }
  return { files, bytesIn, bytesOut, failures, seconds: progress.seconds };
}

function report(rounds: number, pooled: PoolTally, alone: Tally): void {
  const { files, bytesIn, bytesOut, workers, startSeconds } = pooled;
  const packed = rounds === 1
    ? `${files} files`
    : `${Math.round(files / rounds)} files ${rounds} times`;
  console.log(
    [
      `Packed ${packed}, ${formatBytes(bytesIn)} to ${
        formatBytes(bytesOut)
      }; ` +
      "each unpacks to the same bytes.",
      `${`Pool of ${workers}:`.padEnd(13)} ${speed(pooled)}, ` +
      `after ${startSeconds.toFixed(2)} s to start`,
      `One process:  ${speed(alone)}`,
      comparison(pooled, alone),
      "",
      "Next, check whether a pool can use another of your machines:",
      "  deno run -A doctor.ts ssh://<hostname>",
    ].join("\n"),
  );
}

function speed({ bytesIn, seconds }: Tally): string {
  return `${seconds.toFixed(2)} s, ${formatRate(bytesIn, seconds)}`;
}

function comparison(pooled: PoolTally, alone: Tally): string {
  if (pooled.files !== alone.files || pooled.bytesIn !== alone.bytesIn) {
    return "The files changed in between, so the results can't be compared.";
  }
  const times = (alone.seconds / pooled.seconds).toFixed(2);
  if (alone.seconds >= MIN_SECONDS) {
    return `The pool was ${times} times as fast as one process.`;
  }
  return `The pool was ${times} times as fast, but there was little to do: ` +
    "try a larger folder, such as deno task demo /usr/share";
}

/**
 * Parses the command line.
 *
 * @returns The options, or `undefined` for help.
 * @throws {UserError} If an option is wrong.
 */
function parseOptions(args: string[]): Options | undefined {
  const flags = parseArgs(args, {
    string: ["_", "workers", "out", "rounds"],
    boolean: ["help"],
    unknown(arg, key) {
      if (key !== undefined) throw new UserError(`There is no option ${arg}`);
    },
  });
  if (flags.help) return undefined;
  if (flags.out === "") throw new UserError("--out must be a folder");
  const [folder, ...more] = flags._.map(String);
  if (more.length > 0) throw new UserError("There can be only one folder");
  const isDefault = folder === undefined;
  return {
    folder: folder ?? fileURLToPath(new URL("../", import.meta.url)),
    workers: parseCount("workers", flags.workers),
    out: flags.out,
    rounds: parseCount("rounds", flags.rounds) ?? (isDefault ? undefined : 1),
  };
}

function parseCount(
  name: string,
  text: string | undefined,
): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new UserError(
    `--${name} must be a number from 1 to 999; it is "${text}"`,
  );
}

async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    console.log(HELP);
    return 0;
  }
  const failures: Failures = new Map();
  const folders = await prepareFolders(options.folder, options.out);
  const batches = await findBatches(folders, failures);
  const rounds = options.rounds ??
    Math.max(1, Math.round(ENOUGH_BYTES / (batches.bytes + 1)));
  const work = { folders, batches, rounds };
  const pooled = await packWithPool(work, options.workers);
  const alone = await packAlone(work);
  report(rounds, pooled, alone);
  const all = new Map([...failures, ...pooled.failures, ...alone.failures]);
  reportFailures(all);
  return all.size === 0 ? 0 : 1;
}

function isExpected(error: unknown): error is Error {
  return error instanceof UserError || error instanceof BrokenPoolError ||
    error instanceof WorkerLostError;
}

try {
  Deno.exitCode = await main(Deno.args);
} catch (error) {
  if (!isExpected(error)) throw error;
  console.error(`error: ${error.message}`);
  Deno.exitCode = 1;
}
