/**
 * Pools whose workers run in jobs of a test's Slurm, by the commands of Torque.
 *
 * @module
 */

import type { PbsOptions, PoolOptions } from "../../mod.ts";
import type { SlurmCluster } from "./slurm_cluster.ts";

/** Makes the options of a pool with two workers in jobs of their own. */
export function pbsOptions(
  { folder }: SlurmCluster,
  host: Partial<PbsOptions> = {},
): PoolOptions {
  return {
    workers: 0,
    hosts: { host: "pbs://main/2", folder: `${folder}/jobs`, ...host },
    listen: { hostname: "127.0.0.1" },
  };
}
