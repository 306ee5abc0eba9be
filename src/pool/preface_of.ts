import type { CallPreface } from "../calls/call_preface.ts";
import type { CallOptions } from "../options/call_options.ts";

/** Returns what workers must know before calls with these options, if anything. */
export function prefaceOf(
  { runTimeout }: CallOptions,
): CallPreface | undefined {
  return runTimeout === undefined ? undefined : { runTimeout };
}
