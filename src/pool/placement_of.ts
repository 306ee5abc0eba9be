import { Placement } from "../calls/placement.ts";
import type { CallOptions } from "../options/call_options.ts";
import { parseResources } from "../options/place.ts";

/**
 * Returns where calls with these options may run; `undefined`: anywhere.
 *
 * @param isKeyed Whether their keys limit that further.
 */
export function placementOf(
  { host, where, resources = {}, onUnmet }: CallOptions,
  isKeyed = false,
): Placement | undefined {
  return Placement.of({
    host,
    where,
    resources: parseResources("resources", resources),
    mayWait: onUnmet === "wait",
    isKeyed,
  });
}
