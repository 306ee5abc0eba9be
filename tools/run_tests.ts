/**
 * Runs the test files, each in a process of its own and several at a time.
 *
 * `deno test --parallel` runs files in threads of one process, which share its
 * environment variables, open files and child processes; many tests here change
 * or count those. A file that hangs is killed and counts as failed.
 *
 * `deno run -A tools/run_tests.ts [options] [file or folder]...`
 *
 * Options: `--fast` leaves out the files in {@linkcode SLOW}; `--jobs=<number>`
 * is how many files run at a time. All other options go to `deno test`.
 *
 * @module
 */

import { join, relative, resolve, sep } from "node:path";
import { stripVTControlCharacters } from "node:util";

/**
 * Files and folders that need ssh or networks of their own, or that wait,
 * measure, or run for more than about two seconds. They start first: otherwise
 * the last one would run alone at the end.
 */
export const SLOW: readonly string[] = [
  "tests/storm",
  "tests/hosts",
  "tests/journal/kill_test.ts",
  "tests/journal/journal_file_test.ts",
  "tests/map/map_journal_test.ts",
  "tests/map/flatten_test.ts",
  "tests/pool/argument_streams_test.ts",
  "tests/pool/bad_streams_test.ts",
  "tests/pool/codec_test.ts",
  "tests/pool/lifecycle_test.ts",
  "tests/pool/output_calls_test.ts",
  "tests/pool/retries_test.ts",
  "tests/pool/bad_tasks_test.ts",
  "tests/pool/stream_end_test.ts",
  "tests/pool/worker_replacement_test.ts",
  "tests/pool/worker_loss_test.ts",
  "tests/doctor/doctor_ssh_test.ts",
  "tests/doctor/doctor_server_test.ts",
  "tests/attacks/unauthenticated_connections_test.ts",
  "tests/spawner/spawner_server_attacks_test.ts",
  "tests/spawner/ssh_program_test.ts",
  "tests/tasks/task_signal_test.ts",
  "tests/bench",
  "tests/examples",
  "tests/jupyter",
  "tests/package",
  "tests/progress/terminal_test.ts",
  "tests/rx/pipeline_test.ts",
  "tests/modules",
  "tests/fuzz",
  "tests/trial",
  "tests/helpers",
];

/** How long a file may take, in milliseconds. */
const FILE_TIMEOUT = 300_000;

/** Files that run at a time, for each CPU; some of them wait. */
const JOBS_PER_CPU = 2;

const ROOT = join(import.meta.dirname!, "..");

/** The numbers of tests in one or more files. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

const NO_TESTS: Counts = { passed: 0, failed: 0, ignored: 0 };

/** The options and paths of the command line. */
export interface Request {
  readonly fast: boolean;
  readonly jobs: number;
  /** Options for `deno test`. */
  readonly options: readonly string[];
  /** Files and folders, as paths below the root. */
  readonly paths: readonly string[];
}

/** The outcome of a test file. */
export interface FileResult extends Counts {
  readonly file: string;
  /** The output of the process. */
  readonly output: string;
  /** How long the file took. */
  readonly seconds: number;
}

/**
 * Reads the command line.
 *
 * @throws {RangeError} If the number of jobs is not a positive integer.
 */
export function readRequest(args: readonly string[]): Request {
  const options: string[] = [];
  const paths: string[] = [];
  let fast = false;
  let jobs = navigator.hardwareConcurrency * JOBS_PER_CPU;
  for (const arg of args) {
    if (arg === "--fast") fast = true;
    else if (arg.startsWith("--jobs=")) jobs = Number(arg.slice(7));
    else if (arg.startsWith("-")) options.push(arg);
    else paths.push(toSlashes(relative(ROOT, resolve(arg))));
  }
  if (!Number.isSafeInteger(jobs) || jobs < 1) {
    throw new RangeError(`--jobs must be a positive integer; it is ${jobs}`);
  }
  return { fast, jobs, options, paths };
}

/** Orders test files: slow ones first, or left out. */
export function selectFiles(
  files: readonly string[],
  { fast, paths }: Pick<Request, "fast" | "paths">,
): string[] {
  const wanted = paths.length === 0
    ? files
    : files.filter((file) => paths.some((path) => isAtOrBelow(file, path)));
  const rank = (file: string) => {
    const place = SLOW.findIndex((path) => isAtOrBelow(file, path));
    return place < 0 ? SLOW.length : place;
  };
  return wanted
    .filter((file) => !fast || rank(file) === SLOW.length)
    .toSorted((one, other) => rank(one) - rank(other));
}

function isAtOrBelow(file: string, path: string): boolean {
  return path === "" || file === path || file.startsWith(`${path}/`);
}

/** Reads the counts from the last output of `deno test`. */
export function readCounts(output: string): Counts | undefined {
  const summary = stripVTControlCharacters(output)
    .split("\n")
    .findLast((line) => /^(?:ok|FAILED) \| /.test(line));
  if (summary === undefined) return undefined;
  const count = (name: string) =>
    Number(summary.match(new RegExp(` (\\d+) ${name}\\b`))?.[1] ?? 0);
  return {
    passed: count("passed"),
    failed: count("failed"),
    ignored: count("ignored"),
  };
}

/** Formats counts as `deno test` does. */
export function formatCounts(
  { passed, failed, ignored }: Counts,
  seconds: number,
): string {
  const parts = [
    failed === 0 ? "ok" : "FAILED",
    `${passed} passed`,
    `${failed} failed`,
    ...(ignored > 0 ? [`${ignored} ignored`] : []),
  ];
  return `${parts.join(" | ")} (${seconds.toFixed(0)}s)`;
}

async function findTests(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await findTests(path));
    else if (name.endsWith("_test.ts")) files.push(path);
  }
  return files.sort();
}

/**
 * Runs a test file in a process of its own.
 *
 * @param options Options for `deno test`.
 * @param timeout How long it may take, in milliseconds.
 */
export async function runFile(
  file: string,
  options: readonly string[],
  timeout = FILE_TIMEOUT,
): Promise<FileResult> {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", ...options, file],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let note = "";
  const timer = setTimeout(() => {
    note = `\nIt was killed after ${timeout / 1_000} seconds.\n`;
    child.kill("SIGKILL");
  }, timeout);
  const { success, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr) + note;
  const counts = readCounts(output);
  const { passed, failed, ignored } = counts ?? NO_TESTS;
  const hasFailed = !success || counts === undefined;
  return {
    file,
    passed,
    // A file whose module throws, or that ends early, has no failed test.
    failed: hasFailed ? Math.max(1, failed) : failed,
    ignored,
    output,
    seconds: (performance.now() - start) / 1_000,
  };
}

/** Runs all files and prints a line for each, and the output of failures. */
async function runFiles(
  files: readonly string[],
  { jobs, options }: Request,
): Promise<FileResult[]> {
  const waiting = files.values();
  const results: FileResult[] = [];
  const run = async () => {
    for (const file of waiting) {
      const result = await runFile(file, options);
      results.push(result);
      if (result.failed > 0) console.log(result.output);
      console.log(`${file} ... ${formatCounts(result, result.seconds)}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, run));
  return results;
}

/** @throws {Error} If the tests don't pass the type check. */
async function checkTypes(files: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...files],
    cwd: ROOT,
  }).spawn().status;
  if (!success) throw new Error("The tests don't pass the type check");
}

function sum(results: readonly Counts[]): Counts {
  return {
    passed: results.reduce((total, { passed }) => total + passed, 0),
    failed: results.reduce((total, { failed }) => total + failed, 0),
    ignored: results.reduce((total, { ignored }) => total + ignored, 0),
  };
}

function toSlashes(path: string): string {
  return path.replaceAll(sep, "/");
}

if (import.meta.main) {
  const start = performance.now();
  const request = readRequest(Deno.args);
  const files = selectFiles(await findTests("tests"), request);
  if (files.length === 0) throw new Error("There are no such tests");
  await checkTypes(files);
  const results = await runFiles(files, request);
  const failed = results.filter(({ failed }) => failed > 0);
  if (failed.length > 0) {
    console.log(
      `\nFailed in\n${failed.map(({ file }) => `  ${file}`).join("\n")}`,
    );
  }
  const seconds = (performance.now() - start) / 1_000;
  console.log(`\n${formatCounts(sum(results), seconds)}`);
  if (failed.length > 0) Deno.exit(1);
}
