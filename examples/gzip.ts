/**
 * Packs every file below a folder with gzip, on all cores, and checks that
 * each unpacks to the same bytes. Then it does the same work in one process,
 * to tell how much faster the pool was.
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
import { type Failures, reportFailures, UserError } from "./gzip_errors.ts";
import {
  type Job,
  makeJob,
  type Survey,
  survey,
  walkRounds,
} from "./gzip_files.ts";
import { parseOptions, USAGE } from "./gzip_options.ts";
import { formatBytes, formatRate, Progress } from "./gzip_progress.ts";
import { type Outcome, pack } from "./gzip_tasks.ts";

/** What takes less in one process is over before a pool pays, in seconds. */
const SMALL_SECONDS = 1;

/** How much is packed, in bytes, if that is to be found out. */
const ENOUGH_BYTES = 64e6;

/** What both ways of packing have to do. */
interface Work {
  readonly job: Job;
  /** How often all files are packed. */
  readonly rounds: number;
  /** How much that is in all. */
  readonly total: Survey;
  /** Gets what couldn't be packed. */
  readonly failures: Failures;
}

/** What was packed, and how long it took. */
interface Tally {
  readonly files: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly seconds: number;
}

/** What was packed with a pool, and how much of the time its start took. */
interface PoolTally extends Tally {
  readonly workers: number;
  readonly startSeconds: number;
}

async function packWithPool(
  { job, rounds, total, failures }: Work,
  workers: number,
): Promise<PoolTally> {
  using progress = new Progress("Pool", total);
  await using pool = new Pool(workers);
  await pool.ready;
  const startSeconds = progress.seconds;
  const tasks = importTasks<typeof import("./gzip_tasks.ts")>(
    import.meta.resolve("./gzip_tasks.ts"),
  );
  // Only paths travel: the workers read the files by themselves.
  const packFile = bind(tasks.pack, job.folder, job.out);
  const paths = walkRounds(job, rounds, failures);
  const outcomes = pool.map(packFile, paths, { ordered: false });
  const tally = await follow(outcomes, progress, failures);
  return { ...tally, startSeconds, workers: pool.totalWorkers };
}

/** Does the same work with the same function, in this process alone. */
async function packAlone(
  { job, rounds, total, failures }: Work,
): Promise<Tally> {
  using progress = new Progress("One process", total);
  async function* outcomes(): AsyncGenerator<Outcome> {
    for await (const path of walkRounds(job, rounds, failures)) {
      yield pack(job.folder, job.out, path);
    }
  }
  return await follow(outcomes(), progress, failures);
}

/** Shows and counts outcomes as they come. */
async function follow(
  outcomes: AsyncIterable<Outcome>,
  progress: Progress,
  failures: Failures,
): Promise<Tally> {
  let files = 0;
  let bytesIn = 0;
  let bytesOut = 0;
  for await (const outcome of outcomes) {
    if ("reason" in outcome) {
      failures.set(outcome.path, outcome.reason);
      continue;
    }
    files++;
    bytesIn += outcome.bytesIn;
    bytesOut += outcome.bytesOut;
    progress.update(files, bytesIn);
  }
  return { files, bytesIn, bytesOut, seconds: progress.seconds };
}

function report(rounds: number, pooled: PoolTally, alone: Tally): void {
  const { files, bytesIn, bytesOut, workers } = pooled;
  const sizes = `${formatBytes(bytesIn)} to ${formatBytes(bytesOut)}`;
  const packed = rounds === 1
    ? `${files} files`
    : `${Math.round(files / rounds)} files ${rounds} times`;
  const start = `${pooled.startSeconds.toFixed(2)} s`;
  const name = `Pool of ${workers}:`.padEnd(13);
  console.log(
    [
      `Packed ${packed}, ${sizes}; each unpacks to the same bytes.`,
      `${name} ${speed(pooled)}, of which ${start} to start the pool`,
      `One process:  ${speed(alone)}, for the same work done after it`,
      comparison(pooled, alone),
    ].join("\n"),
  );
}

function speed({ bytesIn, seconds }: Tally): string {
  return `${seconds.toFixed(2)} s, ${formatRate(bytesIn, seconds)}`;
}

function comparison(pooled: PoolTally, alone: Tally): string {
  if (pooled.files !== alone.files || pooled.bytesIn !== alone.bytesIn) {
    return "The files changed in between, so the two can't be compared.";
  }
  const times = alone.seconds / pooled.seconds;
  const afterStart = alone.seconds / (pooled.seconds - pooled.startSeconds);
  const sentence = `The pool was ${times.toFixed(2)} times as fast, ` +
    `and ${afterStart.toFixed(2)} times without its start.`;
  if (alone.seconds >= SMALL_SECONDS) return sentence;
  return `${sentence} That little is done before a pool pays: ` +
    "try a folder with more in it, as in deno task demo /usr/share";
}

async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  const job = await makeJob(options.folder, options.out);
  const { files, bytes } = await survey(job);
  const rounds = options.rounds ?? Math.ceil(ENOUGH_BYTES / (bytes + 1));
  const total = { files: files * rounds, bytes: bytes * rounds };
  const failures: Failures = new Map();
  const work = { job, rounds, total, failures };
  const pooled = await packWithPool(work, options.workers);
  const alone = await packAlone(work);
  report(rounds, pooled, alone);
  reportFailures(failures);
  return failures.size === 0 ? 0 : 1;
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
