import { type AnyHostOptions, parseAnyHost } from "../options/any_host.ts";
import type { ListenOptions } from "../options/network_options.ts";
import { type PoolSettings, poolSettings } from "../options/pool_settings.ts";
import { ClusterCheck } from "./cluster_check.ts";
import { MachineCheck } from "./machine_check.ts";
import type { HostReport } from "./report.ts";

/** Options for the check of any host. */
export interface CheckOptions {
  /** How long a host may take to start its workers, in milliseconds. */
  readonly timeout: number;
  /** The address that workers of spawner servers and clusters connect to. */
  readonly listen?: ListenOptions;
}

/** Returns a host as reports show it. */
export function specOf(options: AnyHostOptions): string {
  return "host" in options ? options.host : parseAnyHost(options).name;
}

/** Checks whether a host can be used, and measures it. */
export async function checkHost(
  options: AnyHostOptions,
  { timeout, ...network }: CheckOptions,
): Promise<HostReport> {
  const settings: PoolSettings = poolSettings({
    ...network,
    workers: 0,
    hosts: options,
    permissions: "none",
    startTimeout: timeout,
    // The first failure is the one to report.
    maxRestarts: 0,
    // The report says everything that workers would print.
    stdio: "null",
  });
  const host = settings.hosts[0]!;
  const spec = specOf(options);
  const check = "launcher" in host
    ? new ClusterCheck(spec, settings, host)
    : new MachineCheck(spec, settings, host);
  return await check.run();
}
