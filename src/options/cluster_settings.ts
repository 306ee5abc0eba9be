import type { ClusterHostOptions } from "./cluster_host_options.ts";
import { checkWorkerOptions } from "./host_options.ts";
import {
  checkInteger,
  checkNames,
  checkString,
  wrongValue,
} from "./option_checks.ts";
import { parsePlace } from "./place.ts";
import { mostWorkers, type WorkerCount } from "./worker_count.ts";

/** The options of every {@linkcode ClusterHostOptions}. */
const CLUSTER_OPTIONS: Required<
  { [Name in keyof ClusterHostOptions]: true }
> = {
  workers: true,
  name: true,
  workersPerJob: true,
  deno: true,
  folder: true,
  permissions: true,
  denoArgs: true,
  env: true,
  cwd: true,
  fanout: true,
  labels: true,
  resources: true,
};

/** The parts of a spec like `slurm://short/64`. */
export interface ClusterSpec {
  /** What stands between the scheme and the number of workers. */
  readonly place: string;
  /** The number of workers, if it is given. */
  readonly workers: number | undefined;
}

/**
 * Parses a spec like `slurm://short/64`. The number of workers follows the last
 * slash; the place may contain others.
 *
 * @param spec The spec, which begins with a scheme.
 */
export function parseClusterSpec(spec: string): ClusterSpec {
  const rest = spec.slice(spec.indexOf("://") + "://".length);
  const slash = rest.lastIndexOf("/");
  const count = rest.slice(slash + 1);
  if (slash >= 0 && /^\d+$/.test(count)) {
    return { place: rest.slice(0, slash), workers: Number(count) };
  }
  return { place: rest.replace(/\/$/, ""), workers: undefined };
}

/**
 * Parses the spec of a batch system's host, whose place has no slash.
 *
 * @param part The name of the place in messages, such as `"queue"`.
 * @param pattern Matches the names of places.
 * @throws {RangeError} If the place or the number of workers can't be right.
 */
export function parseBatchSpec(
  spec: string,
  part: string,
  pattern: RegExp,
): ClusterSpec {
  const parsed = parseClusterSpec(spec);
  const { place } = parsed;
  const slash = place.indexOf("/");
  if (slash >= 0) {
    throw new RangeError(
      `the number of workers must be a whole number after the name of the ${part}, as in ${part}/32, but is "${
        place.slice(slash + 1)
      }"`,
    );
  }
  if (place === "" || pattern.test(place)) return parsed;
  throw wrongValue(part, place, `the name of a ${part}`);
}

/**
 * Returns the number of workers, which the spec or the option gives.
 *
 * @throws {RangeError} If neither or both do, or if it is 0.
 */
export function clusterWorkers(
  option: WorkerCount | undefined,
  inSpec: number | undefined,
): number {
  const most = mostWorkers(option);
  if (most !== undefined && inSpec !== undefined && most !== inSpec) {
    throw new RangeError(
      `the number of workers is both ${most} and ${inSpec}: give it once`,
    );
  }
  const count = most ?? inSpec;
  if (count === undefined) {
    throw new RangeError(
      "the number of workers is missing: add it to the end of the spec, as in /32, or as the option 'workers'",
    );
  }
  checkInteger("workers", count, 1);
  return count;
}

/**
 * Checks the options that all hosts of clusters have in common, and the names
 * of all options.
 *
 * @param host The host in messages, such as `"slurm://short/64"`.
 * @param known The names of the options that only this kind of host has.
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function checkClusterOptions(
  host: string,
  options: ClusterHostOptions,
  known: Readonly<Record<string, true>>,
): void {
  inHost(host, () => {
    checkNames("it", options, { ...CLUSTER_OPTIONS, ...known });
    const { name, workersPerJob, deno, folder } = options;
    for (
      const [option, text] of Object.entries({ name, deno, folder })
    ) {
      checkString(option, text);
      if (text === "") throw wrongValue(option, text, "a string with text");
    }
    if (workersPerJob !== undefined) {
      checkInteger("workersPerJob", workersPerJob, 1);
    }
    checkWorkerOptions(options);
    parsePlace(options);
  });
}

/**
 * Runs checks of a host's options, and names the host in what they throw.
 *
 * @param host The host in messages.
 */
export function inHost<T>(host: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    const { message } = cause as Error;
    const OptionError = cause instanceof TypeError ? TypeError : RangeError;
    throw new OptionError(`In the host "${host}" ${message}`, { cause });
  }
}
