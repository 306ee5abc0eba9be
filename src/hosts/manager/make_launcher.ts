import type { LauncherSettings } from "../../options/any_host.ts";
import { ContainerLauncher } from "../containers/container_launcher.ts";
import type { Launcher } from "../launch/launcher.ts";
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
    case "docker":
    case "podman":
      return new ContainerLauncher(settings, folder);
    case "launch":
      return new TemplateLauncher(settings, folder);
    default:
      throw new TypeError(`There is no launcher of the kind "${kind}"`);
  }
}
