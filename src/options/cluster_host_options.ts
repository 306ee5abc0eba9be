import type { PlaceOptions } from "./place.ts";
import type { WorkerCount } from "./worker_count.ts";
import type { WorkerPermissions } from "./worker_permissions.ts";

/**
 * The options that all hosts have in common whose workers are started by a
 * batch system or another launcher.
 *
 * @example Usage
 * ```ts ignore
 * import { Pool } from "@distex/pool";
 *
 * await using pool = new Pool({
 *   workers: 0,
 *   hosts: { host: "slurm://short/64", workersPerJob: 8 },
 * });
 * ```
 */
export interface ClusterHostOptions extends PlaceOptions {
  /** How many workers run there, or a range within which that changes. */
  readonly workers?: WorkerCount;
  /**
   * The name of the host in messages, in {@linkcode Pool.stats} and in the
   * option `host` of calls.
   */
  readonly name?: string;
  /**
   * How many workers each job starts. They share the job's machine and its
   * limits.
   *
   * @default {1}
   */
  readonly workersPerJob?: number;
  /**
   * The path of `deno` there. The default is the path here, as clusters mostly
   * share their programs.
   */
  readonly deno?: string;
  /**
   * The folder for the pool's files: a folder that the cluster's machines share
   * with this one. The default is a folder below the user's home.
   */
  readonly folder?: string;
  /** What tasks may do there. The default is the pool's `permissions`. */
  readonly permissions?: WorkerPermissions;
  /**
   * Extra arguments for `deno run` there, after the pool's `denoArgs`. All
   * users of these machines can see them.
   *
   * @default {[]}
   */
  readonly denoArgs?: readonly string[];
  /**
   * Environment variables of workers there, added to the pool's `env`.
   *
   * @default {{}}
   */
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory of workers there. */
  readonly cwd?: string;
  /**
   * Whether the workers of a job share its agent's connection to the pool. Then
   * a job needs one connection, however many workers it starts. Large values
   * take a little longer.
   *
   * @default {false}
   */
  readonly fanout?: boolean;
}
