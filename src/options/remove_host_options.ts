import { checkBoolean, checkNames, checkObject } from "./option_checks.ts";

/**
 * How a host is removed from a pool.
 *
 * @example Usage
 * ```ts ignore
 * import { Pool, type RemoveHostOptions } from "@distex/pool";
 *
 * const atOnce: RemoveHostOptions = { drain: false };
 * await using pool = new Pool(4, "ssh://maxi/8");
 * await pool.removeHost("maxi", atOnce);
 * ```
 */
export interface RemoveHostOptions {
  /**
   * Whether its workers finish the calls that they run.
   *
   * @default {true}
   */
  readonly drain?: boolean;
}

/**
 * Checks the options of a removal and fills in the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or isn't a boolean.
 */
export function removalSettings(
  options: RemoveHostOptions,
): Required<RemoveHostOptions> {
  checkObject("removeHost()", options);
  const { drain = true } = options;
  checkBoolean("drain", drain);
  const settings = { drain };
  checkNames("removeHost()", options, settings);
  return settings;
}
