import { Placement } from "../calls/placement.ts";
import type { CallOptions } from "../options/call_options.ts";
import { parseResources } from "../options/place.ts";

/** Returns where calls with these options may run; `undefined`: anywhere. */
export function placementOf(
  { host, where, resources = {}, onUnmet }: CallOptions,
): Placement | undefined {
  return Placement.of({
    host,
    where,
    resources: parseResources("resources", resources),
    mayWait: onUnmet === "wait",
  });
}
