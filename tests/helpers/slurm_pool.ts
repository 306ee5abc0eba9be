/**
 * Pools whose workers run in jobs of a test's Slurm.
 *
 * @module
 */

import type { HostStats, Pool, PoolOptions, SlurmOptions } from "../../mod.ts";
import type { SlurmCluster } from "./slurm_cluster.ts";
import { until } from "./processes.ts";

/** Makes the options of a pool with two workers in jobs of their own. */
export function slurmOptions(
  { folder }: SlurmCluster,
  host: Partial<SlurmOptions> = {},
): PoolOptions {
  return {
    workers: 0,
    hosts: { host: "slurm://main/2", folder, ...host },
    listen: { hostname: "127.0.0.1" },
  };
}

/** Returns the statistics of the host. */
export function hostOf(pool: Pool): HostStats {
  return pool.stats().hosts.at(-1)!;
}

/** Waits until so many workers of the host are in use. */
export async function untilWorkers(pool: Pool, workers: number): Promise<void> {
  await until(
    () => hostOf(pool).workers === workers,
    `The host never has ${workers} workers`,
  );
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
