/**
 * Pools whose workers run in jobs of a test's batch system.
 *
 * @module
 */

import type {
  HostStats,
  PbsOptions,
  Pool,
  PoolOptions,
  SgeOptions,
  SlurmOptions,
} from "../../mod.ts";
import type { GridEngine } from "./grid_engine.ts";
import { until } from "./processes.ts";
import type { SlurmCluster } from "./slurm_cluster.ts";

/** Makes the options of a pool with two workers in jobs of Slurm. */
export function slurmOptions(
  { folder }: SlurmCluster,
  host: Partial<SlurmOptions> = {},
): PoolOptions {
  return batchOptions({ host: "slurm://main/2", folder, ...host });
}

/** Makes the options of a pool with two workers in jobs of Torque on Slurm. */
export function pbsOptions(
  { folder }: SlurmCluster,
  host: Partial<PbsOptions> = {},
): PoolOptions {
  return batchOptions({
    host: "pbs://main/2",
    folder: `${folder}/jobs`,
    ...host,
  });
}

/** Makes the options of a pool with two workers in tasks of Grid Engine. */
export function sgeOptions(
  { folder }: GridEngine,
  host: Partial<SgeOptions> = {},
): PoolOptions {
  return batchOptions({
    host: "sge://all.q/2",
    folder: `${folder}/jobs`,
    ...host,
  });
}

function batchOptions(
  hosts: SlurmOptions | PbsOptions | SgeOptions,
): PoolOptions {
  return { workers: 0, hosts, listen: { hostname: "127.0.0.1" } };
}

/** Returns the statistics of the host. */
export function hostOf(pool: Pool): HostStats {
  return pool.stats().hosts.at(-1)!;
}

/** Waits until so many workers are in use, those of this machine apart. */
export async function untilWorkers(pool: Pool, workers: number): Promise<void> {
  await until(() => {
    const counts = pool.stats().hosts
      .map((host) => host.kind === "local" ? 0 : host.workers);
    return counts.reduce((sum, count) => sum + count, 0) === workers;
  }, `There aren't ${workers} workers in jobs`);
}

/** Waits until so many agents wait in the queue for a reason. */
export async function untilPending(
  pool: Pool,
  agents: number,
  reason: string,
): Promise<void> {
  await until(() => {
    const { pending } = hostOf(pool);
    return pending?.agents === agents && pending.reason === reason;
  }, `There aren't ${agents} agents pending for ${reason}`);
}
