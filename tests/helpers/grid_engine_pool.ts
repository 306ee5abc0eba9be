/**
 * Pools whose workers run in jobs of a test's Grid Engine.
 *
 * @module
 */

import type { HostStats, Pool, PoolOptions, SgeOptions } from "../../mod.ts";
import type { GridEngine } from "./grid_engine.ts";
import { until } from "./processes.ts";

/** Makes the options of a pool with two workers in tasks of their own. */
export function sgeOptions(
  { folder }: GridEngine,
  host: Partial<SgeOptions> = {},
): PoolOptions {
  return {
    workers: 0,
    hosts: { host: "sge://all.q/2", folder: `${folder}/jobs`, ...host },
    listen: { hostname: "127.0.0.1" },
  };
}

/** Returns the statistics of the only host. */
export function hostOf(pool: Pool): HostStats {
  return pool.stats().hosts[0]!;
}

/** Waits until so many workers of jobs are in use. */
export async function untilWorkers(pool: Pool, workers: number): Promise<void> {
  await until(() => {
    const { hosts } = pool.stats();
    const counts = hosts.map((host) =>
      host.kind === "local" ? 0 : host.workers
    );
    return counts.reduce((sum, count) => sum + count, 0) === workers;
  }, `There aren't ${workers} workers in jobs`);
}
