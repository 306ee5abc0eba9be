import { checkBoolean, checkNames, checkObject } from "./option_checks.ts";
import { RENAMED_SHUTDOWN_OPTIONS } from "./renamed_options.ts";
import type { ShutdownOptions } from "./shutdown_options.ts";

/**
 * Checks the options of a shutdown and fills in the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 */
export function shutdownSettings(
  options: ShutdownOptions,
): Required<ShutdownOptions> {
  checkObject("shutdown()", options);
  const { wait = true, cancelFutures = false } = options;
  checkBoolean("wait", wait);
  checkBoolean("cancelFutures", cancelFutures);
  const settings = { wait, cancelFutures };
  checkNames("shutdown()", options, settings, RENAMED_SHUTDOWN_OPTIONS);
  return settings;
}
