import type { ClusterHostOptions } from "./cluster_host_options.ts";
import {
  checkClusterOptions,
  clusterWorkers,
  inHost,
  parseBatchSpec,
} from "./cluster_settings.ts";
import { jobSeconds } from "./job_time.ts";
import {
  checkChoice,
  checkInteger,
  checkString,
  checkStrings,
  wrongValue,
} from "./option_checks.ts";
import { checkResourceList, type ResourceList } from "./resource_list.ts";

/** Which system the commands of PBS belong to. */
export type PbsDialect = "openpbs" | "torque" | "slurm";

/**
 * The options of a host whose workers run in jobs of PBS: OpenPBS or PBS
 * Professional, Torque, or Slurm with the commands of Torque.
 *
 * @example Usage
 * ```ts ignore
 * import { type PbsOptions, Pool } from "@distex/pool";
 *
 * const hosts: PbsOptions = {
 *   host: "pbs://workq/32",
 *   account: "biology",
 *   time: "2:00:00",
 *   cpus: 2,
 *   memory: "4gb",
 * };
 * await using pool = new Pool({ workers: 0, hosts });
 * ```
 */
export interface PbsOptions extends ClusterHostOptions {
  /**
   * `pbs://queue/workers`. Without a queue, as in `pbs:///32`, it is the
   * default queue.
   */
  readonly host: string;
  /** The account that is charged (`qsub -A`). */
  readonly account?: string;
  /**
   * How long each job may run (`qsub -l walltime`): seconds, or `hh:mm:ss`.
   * Workers leave the pool before that. The default is the queue's limit.
   */
  readonly time?: string;
  /**
   * How many CPUs each worker has.
   *
   * @default {1}
   */
  readonly cpus?: number;
  /**
   * How much memory each worker has: a whole number, and kb, mb, gb or tb, which
   * are powers of 1,024. The default is the queue's.
   */
  readonly memory?: string;
  /**
   * More resources that each job requests (`qsub -l`), such as
   * `{ software: "matlab" }`. With `select` or `nodes`, such as
   * `{ select: "1:ncpus=4:ngpus=1" }`, the options `cpus` and `memory` don't
   * count.
   *
   * @default {{}}
   */
  readonly resourceList?: ResourceList;
  /**
   * Extra arguments for `qsub`, such as `["-p", "-100"]`. They override those
   * that the pool makes of the options here.
   *
   * @default {[]}
   */
  readonly qsubArgs?: readonly string[];
  /**
   * Which system it is. By default, the pool asks by `qstat --version`.
   */
  readonly dialect?: PbsDialect;
}

/** The options of a host of {@linkcode PbsOptions}, checked. */
export interface PbsSettings {
  /** The name of the host in messages. */
  readonly name: string;
  /** How many workers run there. */
  readonly workers: number;
  /** How many workers each job starts. */
  readonly workersPerJob: number;
  /** See {@linkcode PbsOptions.host}; `undefined` means the default queue. */
  readonly queue: string | undefined;
  /** See {@linkcode PbsOptions.account}. */
  readonly account: string | undefined;
  /** See {@linkcode PbsOptions.time}, in seconds. */
  readonly seconds: number | undefined;
  /** See {@linkcode PbsOptions.cpus}. */
  readonly cpus: number;
  /** The memory of each worker in KiB. */
  readonly memory: number | undefined;
  /** See {@linkcode PbsOptions.resourceList}. */
  readonly resourceList: ResourceList;
  /** See {@linkcode PbsOptions.qsubArgs}. */
  readonly qsubArgs: readonly string[];
  /** See {@linkcode PbsOptions.dialect}. */
  readonly dialect: PbsDialect | undefined;
}

const PBS_OPTIONS = {
  host: true,
  account: true,
  time: true,
  cpus: true,
  memory: true,
  resourceList: true,
  qsubArgs: true,
  dialect: true,
} as const;

/** The name of a queue, perhaps that of another server. */
const QUEUE = /^[\w.][\w.@-]*$/;

/** An absolute path. */
const ABSOLUTE_PATH = /^\/[^\p{Cc}]*$/u;

/** Kibibytes in a unit of memory. */
const KIBIBYTES: Readonly<Record<string, number>> = {
  kb: 1,
  mb: 2 ** 10,
  gb: 2 ** 20,
  tb: 2 ** 30,
};

/**
 * Checks the options of a host whose workers run in jobs of PBS, and fills in
 * the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function pbsSettings(options: PbsOptions): PbsSettings {
  const { host } = options;
  checkClusterOptions(host, options, PBS_OPTIONS);
  return inHost(host, () => {
    checkValues(options);
    const { place, workers } = parseBatchSpec(host, "queue", QUEUE);
    const { account, time, memory } = options;
    return {
      name: options.name ?? (place === "" ? "pbs" : place),
      workers: clusterWorkers(options.workers, workers),
      workersPerJob: options.workersPerJob ?? 1,
      queue: place === "" ? undefined : place,
      account,
      seconds: time === undefined ? undefined : jobSeconds(time),
      cpus: options.cpus ?? 1,
      memory: memory === undefined ? undefined : parseMemory(memory),
      resourceList: options.resourceList ?? {},
      qsubArgs: options.qsubArgs ?? [],
      dialect: options.dialect,
    };
  });
}

function checkValues(options: PbsOptions): void {
  const { account, time, cpus, memory, resourceList, folder } = options;
  for (const [name, text] of Object.entries({ account, time, memory })) {
    checkString(name, text);
  }
  if (cpus !== undefined) checkInteger("cpus", cpus, 1);
  if (resourceList !== undefined) checkResourceList(resourceList);
  checkStrings("qsubArgs", options.qsubArgs);
  if (options.dialect !== undefined) {
    checkChoice("dialect", options.dialect, ["openpbs", "torque", "slurm"]);
  }
  if (folder !== undefined && !ABSOLUTE_PATH.test(folder)) {
    throw wrongValue(
      "folder",
      folder,
      "an absolute path without control characters",
    );
  }
}

/** Returns how many KiB an amount of memory has. */
function parseMemory(text: string): number {
  const [, number, unit = ""] = text.match(/^(\d+)([kmgt]b)$/i) ?? [];
  const amount = Number(number) * (KIBIBYTES[unit.toLowerCase()] ?? 0);
  if (Number.isSafeInteger(amount) && amount > 0) return amount;
  throw wrongValue(
    "memory",
    text,
    'an amount above 0 such as "512mb" or "4gb"',
  );
}
