import type { SlurmSettings } from "../../options/slurm_options.ts";
import type { Launcher } from "../launch/launcher.ts";
import { SlurmLauncher } from "./slurm_launcher.ts";
import { StepLauncher } from "./step_launcher.ts";

/**
 * Makes the launcher of a host in Slurm.
 *
 * @param folder The folder of the files, which the cluster's machines share.
 */
export function makeSlurmLauncher(
  settings: SlurmSettings,
  folder: string,
): Launcher {
  return settings.allocation === undefined
    ? new SlurmLauncher(settings, folder)
    : new StepLauncher(settings, folder);
}
