import type { CallPreface } from "../calls/call_preface.ts";
import type { CallOptions } from "../options/call_options.ts";
import { parseSeed } from "../options/parse_seed.ts";

/** Returns what workers must know before calls with these options, if anything. */
export function prefaceOf(
  { runTimeout, seed }: CallOptions,
): CallPreface | undefined {
  if (runTimeout === undefined && seed === undefined) return undefined;
  const key = seed === undefined ? undefined : parseSeed("seed", seed);
  return { runTimeout, seed: key };
}
