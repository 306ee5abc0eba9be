import type { ClusterHostOptions } from "./cluster_host_options.ts";
import {
  checkClusterOptions,
  clusterWorkers,
  inHost,
  parseBatchSpec,
} from "./cluster_settings.ts";
import { jobSeconds } from "./job_time.ts";
import {
  checkInteger,
  checkString,
  checkStrings,
  wrongValue,
} from "./option_checks.ts";
import { checkResourceList, type ResourceList } from "./resource_list.ts";

/**
 * The options of a host whose workers run in jobs of Grid Engine.
 *
 * @example Usage
 * ```ts ignore
 * import { Pool, type SgeOptions } from "@distex/pool";
 *
 * const hosts: SgeOptions = {
 *   host: "sge://all.q/32",
 *   project: "biology",
 *   time: "2:00:00",
 *   resourceList: { mem_free: "4G" },
 * };
 * await using pool = new Pool({ workers: 0, hosts });
 * ```
 */
export interface SgeOptions extends ClusterHostOptions {
  /**
   * `sge://queue/workers`. Without a queue, as in `sge:///32`, Grid Engine
   * chooses one.
   */
  readonly host: string;
  /** The project of the jobs (`qsub -P`). */
  readonly project?: string;
  /**
   * How long each job may run (`qsub -l h_rt`): seconds, or `hh:mm:ss`. Workers
   * leave the pool before that. The default is the queue's limit.
   */
  readonly time?: string;
  /**
   * How many slots each worker has. A job with more than one slot needs a
   * parallel environment: see {@linkcode SgeOptions.pe}.
   *
   * @default {1}
   */
  readonly cpus?: number;
  /**
   * The parallel environment of the jobs (`qsub -pe`), whose slots must be on
   * one machine.
   */
  readonly pe?: string;
  /**
   * The resources that each job requests (`qsub -l`), such as
   * `{ mem_free: "4G", gpu: 1 }`. If a resource is counted by slot, the values
   * are for one slot.
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
}

/** The options of a host of {@linkcode SgeOptions}, checked. */
export interface SgeSettings {
  /** The name of the host in messages. */
  readonly name: string;
  /** How many workers run there. */
  readonly workers: number;
  /** How many workers each job starts. */
  readonly workersPerJob: number;
  /** See {@linkcode SgeOptions.host}; `undefined` means any queue. */
  readonly queue: string | undefined;
  /** See {@linkcode SgeOptions.project}. */
  readonly project: string | undefined;
  /** See {@linkcode SgeOptions.time}, in seconds. */
  readonly seconds: number | undefined;
  /** See {@linkcode SgeOptions.cpus}. */
  readonly cpus: number;
  /** See {@linkcode SgeOptions.pe}. */
  readonly pe: string | undefined;
  /** See {@linkcode SgeOptions.resourceList}. */
  readonly resourceList: ResourceList;
  /** See {@linkcode SgeOptions.qsubArgs}. */
  readonly qsubArgs: readonly string[];
}

const SGE_OPTIONS = {
  host: true,
  project: true,
  time: true,
  cpus: true,
  pe: true,
  resourceList: true,
  qsubArgs: true,
} as const;

/** Names of queues, such as `all.q`, `all.q@node1` or `*@@group`, by commas. */
const QUEUES = /^[\w.*?@!|&()[\]][\w.*?@!|&()[\],-]*$/;

/** In these, Grid Engine separates paths or replaces parts of them. */
const LITERAL_PATH = /^\/[^,:$\p{Cc}]*$/u;

/**
 * Checks the options of a host whose workers run in jobs of Grid Engine, and
 * fills in the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function sgeSettings(options: SgeOptions): SgeSettings {
  const { host } = options;
  checkClusterOptions(host, options, SGE_OPTIONS);
  return inHost(host, () => {
    checkValues(options);
    const { place, workers } = parseBatchSpec(host, "queue", QUEUES);
    const { project, time, cpus = 1, pe, workersPerJob = 1 } = options;
    if (cpus * workersPerJob > 1 && pe === undefined) {
      throw new RangeError(
        `a job for ${workersPerJob} workers with ${cpus} slots each needs a parallel environment whose slots are on one machine: name it in the option 'pe' ("qconf -spl" lists all)`,
      );
    }
    return {
      name: options.name ?? (place === "" ? "sge" : place),
      workers: clusterWorkers(options.workers, workers),
      workersPerJob,
      queue: place === "" ? undefined : place,
      project,
      seconds: time === undefined ? undefined : jobSeconds(time),
      cpus,
      pe,
      resourceList: options.resourceList ?? {},
      qsubArgs: options.qsubArgs ?? [],
    };
  });
}

function checkValues(options: SgeOptions): void {
  const { project, time, cpus, pe, resourceList, folder } = options;
  for (const [name, text] of Object.entries({ project, time, pe })) {
    checkString(name, text);
  }
  if (cpus !== undefined) checkInteger("cpus", cpus, 1);
  if (resourceList !== undefined) checkResourceList(resourceList);
  checkStrings("qsubArgs", options.qsubArgs);
  if (folder !== undefined && !LITERAL_PATH.test(folder)) {
    throw wrongValue(
      "folder",
      folder,
      "an absolute path without the characters , : $ and control characters",
    );
  }
}
