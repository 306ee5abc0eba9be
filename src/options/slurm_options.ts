import { getEnv } from "../util/get_env.ts";
import type { ClusterHostOptions } from "./cluster_host_options.ts";
import {
  checkClusterOptions,
  clusterWorkers,
  inHost,
  parseBatchSpec,
} from "./cluster_settings.ts";
import {
  checkBoolean,
  checkInteger,
  checkString,
  checkStrings,
  wrongValue,
} from "./option_checks.ts";
import { mostWorkers } from "./worker_count.ts";

/**
 * The options of a host whose workers run in jobs of Slurm.
 *
 * @example Usage
 * ```ts ignore
 * import { Pool, type SlurmOptions } from "@distex/pool";
 *
 * const hosts: SlurmOptions = {
 *   host: "slurm://short/64",
 *   account: "biology",
 *   time: "2:00:00",
 *   cpus: 2,
 *   memory: "4G",
 * };
 * await using pool = new Pool({ workers: 0, hosts });
 * ```
 */
export interface SlurmOptions extends ClusterHostOptions {
  /**
   * `slurm://partition/workers`. Without a partition, as in `slurm:///64`, it is
   * Slurm's default partition. `slurm://` alone, in a program that runs in a
   * job of Slurm, means the nodes of this job, and by default one worker for
   * each of its CPUs there.
   */
  readonly host: string;
  /** The account that is charged (`sbatch --account`). */
  readonly account?: string;
  /**
   * How long each job may run, as in `sbatch --time`: `minutes`,
   * `minutes:seconds`, `hours:minutes:seconds`, or after `days-`. Workers leave
   * the pool before that. The default is the partition's limit.
   */
  readonly time?: string;
  /** The features that nodes must have (`sbatch --constraint`). */
  readonly constraint?: string;
  /** What each job needs besides, such as `"gpu:2"` (`sbatch --gres`). */
  readonly gres?: string;
  /**
   * How many CPUs each worker has.
   *
   * @default {1}
   */
  readonly cpus?: number;
  /**
   * How much memory each worker has: a whole number, and K, M, G or T, which are
   * powers of 1,024. The default is the partition's.
   */
  readonly memory?: string;
  /**
   * Whether workers are started by an array of jobs, which start and end one by
   * one. Otherwise, they are started by one job, which waits until there are
   * nodes for all of them, and ends with the last of them.
   *
   * @default {true}
   */
  readonly array?: boolean;
  /**
   * Extra arguments for `sbatch`, such as `["--qos=low"]`. They override those
   * that the pool makes of the options here. Jobs have the environment of the
   * program unless `--export` is among these arguments.
   *
   * @default {[]}
   */
  readonly sbatchArgs?: readonly string[];
}

/** The options of a host of {@linkcode SlurmOptions}, checked. */
export interface SlurmSettings {
  /** The name of the host in messages. */
  readonly name: string;
  /** How many workers run there. */
  readonly workers: number;
  /** How many workers each job, or each task of one job, starts. */
  readonly workersPerJob: number;
  /** The id of the job whose nodes it uses, if it submits none. */
  readonly allocation: string | undefined;
  /** See {@linkcode SlurmOptions.host}; `undefined` is the default partition. */
  readonly partition: string | undefined;
  /** See {@linkcode SlurmOptions.account}. */
  readonly account: string | undefined;
  /** See {@linkcode SlurmOptions.time}. */
  readonly time: string | undefined;
  /** The same in seconds. */
  readonly seconds: number | undefined;
  /** See {@linkcode SlurmOptions.constraint}. */
  readonly constraint: string | undefined;
  /** See {@linkcode SlurmOptions.gres}. */
  readonly gres: string | undefined;
  /** See {@linkcode SlurmOptions.cpus}. */
  readonly cpus: number;
  /** The memory of each worker in KiB. */
  readonly memory: number | undefined;
  /** See {@linkcode SlurmOptions.array}. */
  readonly array: boolean;
  /** See {@linkcode SlurmOptions.sbatchArgs}. */
  readonly sbatchArgs: readonly string[];
}

/** The options of jobs, which are there already if the pool submits none. */
const JOB_OPTIONS = [
  "account",
  "time",
  "constraint",
  "gres",
  "memory",
  "array",
  "sbatchArgs",
] as const;

const SLURM_OPTIONS = {
  host: true,
  account: true,
  time: true,
  constraint: true,
  gres: true,
  cpus: true,
  memory: true,
  array: true,
  sbatchArgs: true,
} as const;

/** The names of partitions, separated by commas. */
const PARTITIONS = /^[\w.][\w.,+-]*$/;

/** In these, Slurm replaces a part of the path of an output file. */
const LITERAL_PATH = /^\/[^%\\\p{Cc}]*$/u;

/** Kibibytes in a unit of memory. */
const KIBIBYTES: Readonly<Record<string, number>> = {
  K: 1,
  M: 2 ** 10,
  G: 2 ** 20,
  T: 2 ** 30,
};

/**
 * Checks the options of a host whose workers run in jobs of Slurm, and fills in
 * the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range, or if the spec means the
 * job of this program, but it runs in none.
 */
export function slurmSettings(options: SlurmOptions): SlurmSettings {
  const { host } = options;
  checkClusterOptions(host, options, SLURM_OPTIONS);
  return inHost(host, () => {
    checkValues(options);
    const { place, workers } = parseBatchSpec(host, "partition", PARTITIONS);
    const { account, time, constraint, gres, cpus = 1, memory } = options;
    const isHere = place === "" && workers === undefined;
    return {
      name: options.name ?? (place === "" ? "slurm" : place),
      ...(isHere ? useJob(options, cpus) : {
        allocation: undefined,
        workers: clusterWorkers(options.workers, workers),
        workersPerJob: options.workersPerJob ?? 1,
      }),
      partition: place === "" ? undefined : place,
      account,
      time,
      seconds: time === undefined ? undefined : parseTime(time),
      constraint,
      gres,
      cpus,
      memory: memory === undefined ? undefined : parseMemory(memory),
      array: options.array ?? true,
      sbatchArgs: options.sbatchArgs ?? [],
    };
  });
}

function checkValues(options: SlurmOptions): void {
  const { account, time, constraint, gres, cpus, memory, folder } = options;
  for (
    const [name, text] of Object.entries({
      account,
      time,
      constraint,
      gres,
      memory,
    })
  ) {
    checkString(name, text);
  }
  if (cpus !== undefined) checkInteger("cpus", cpus, 1);
  if (options.array !== undefined) checkBoolean("array", options.array);
  checkStrings("sbatchArgs", options.sbatchArgs);
  if (folder !== undefined && !LITERAL_PATH.test(folder)) {
    throw wrongValue(
      "folder",
      folder,
      "an absolute path without the characters % \\ and control characters",
    );
  }
}

/** Returns how many seconds a time of Slurm has. */
function parseTime(text: string): number {
  const [, days, rest = ""] = text.match(/^(?:(\d+)-)?(\d+(?::\d+){0,2})$/) ??
    [];
  const parts = rest.split(":").map(Number);
  // A single number is minutes, but hours after days.
  const [hours = 0, minutes = 0, seconds = 0] =
    days !== undefined || parts.length === 3 ? parts : [0, ...parts];
  const total = Number(days ?? 0) * 86_400 +
    hours * 3_600 + minutes * 60 + seconds;
  if (rest !== "" && total > 0) return total;
  throw wrongValue(
    "time",
    text,
    'a time above 0 such as "90" (minutes), "1:30:00" or "2-12:00:00"',
  );
}

/** Returns how many KiB an amount of memory has. */
function parseMemory(text: string): number {
  const [, number, unit = ""] = text.match(/^(\d+)([KMGT])$/i) ?? [];
  const amount = Number(number) * (KIBIBYTES[unit.toUpperCase()] ?? 0);
  if (Number.isSafeInteger(amount) && amount > 0) return amount;
  throw wrongValue("memory", text, 'an amount above 0 such as "512M" or "4G"');
}

/** Returns which part of this program's job is used. */
function useJob(
  options: SlurmOptions,
  cpus: number,
): Pick<SlurmSettings, "allocation" | "workers" | "workersPerJob"> {
  const allocation = getEnv("SLURM_JOB_ID");
  if (allocation === undefined) {
    throw new RangeError(
      "no partition is named, and this program doesn't run in a job of Slurm, as SLURM_JOB_ID isn't set: write slurm://partition/64, or slurm:///64 for the default partition",
    );
  }
  for (const name of JOB_OPTIONS) {
    if (options[name] === undefined) continue;
    throw new RangeError(
      `the option '${name}' is for jobs that the pool submits, but this host is the job of this program: name a partition, or omit the option`,
    );
  }
  const nodes = parseCpus(getEnv("SLURM_JOB_CPUS_PER_NODE") ?? "")
    .map((count) => Math.floor(count / cpus)).filter((count) => count > 0);
  const all = nodes.reduce((sum, count) => sum + count, 0);
  const workers = mostWorkers(options.workers) || all;
  if (workers === 0) {
    throw new RangeError(
      `no node of the job of this program has ${cpus} CPUs for a worker, as SLURM_JOB_CPUS_PER_NODE shows: lower the option 'cpus', or give 'workers'`,
    );
  }
  return {
    allocation,
    workers,
    workersPerJob: options.workersPerJob ??
      (workers === all ? nodes.reduce(commonDivisor) : 1),
  };
}

/** Parses the CPUs of each node: `4(x2),2` means 4, 4 and 2. */
function parseCpus(text: string): number[] {
  return [...text.matchAll(/(\d+)(?:\(x(\d+)\))?/g)].flatMap(
    ([, cpus, nodes = "1"]) =>
      Array.from({ length: Number(nodes) }, () => Number(cpus)),
  );
}

function commonDivisor(one: number, other: number): number {
  return other === 0 ? one : commonDivisor(other, one % other);
}
