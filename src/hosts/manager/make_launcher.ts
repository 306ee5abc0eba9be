import type { LauncherSettings } from "../../options/any_host.ts";
import { ContainerLauncher } from "../containers/container_launcher.ts";
import { KubernetesLauncher } from "../kubernetes/kubernetes_launcher.ts";
import type { Launcher } from "../launch/launcher.ts";
import { PbsLauncher } from "../pbs/pbs_launcher.ts";
import { GridEngineLauncher } from "../sge/grid_engine_launcher.ts";
import { makeSlurmLauncher } from "../slurm/make_slurm_launcher.ts";
import { TemplateLauncher } from "../template/template_launcher.ts";

/**
 * Makes the launcher of a host.
 *
 * @param folder The folder of the files, if the agents' machines share it.
 */
export function makeLauncher(
  { kind, settings }: LauncherSettings,
  folder: string,
): Launcher {
  switch (kind) {
    case "slurm":
      return makeSlurmLauncher(settings, folder);
    case "sge":
      return new GridEngineLauncher(settings, folder);
    case "pbs":
      return new PbsLauncher(settings, folder);
    case "kubernetes":
      return new KubernetesLauncher(settings);
    case "docker":
    case "podman":
      return new ContainerLauncher(settings, folder);
    case "launch":
      return new TemplateLauncher(settings, folder);
  }
}
