import type { PoolSettings } from "../../options/pool_settings.ts";
import { grantedBy } from "../../options/worker_permissions.ts";
import type { LauncherSettings } from "../../spawner/worker_launcher.ts";
import { WORKER_PROGRAM } from "../../spawner/worker_program.ts";

/** Returns which program the workers on this machine run, and how. */
export function programSettings(
  { permissions, config, denoArgs, env, cwd, inspect, maxMemory }: PoolSettings,
): Omit<LauncherSettings, "address" | "secret" | "bundle" | "onOutput"> {
  return {
    program: WORKER_PROGRAM,
    certificate: undefined,
    grants: grantedBy(permissions),
    config,
    denoArgs,
    env,
    cwd,
    inspect,
    maxMemory,
  };
}
