import type { CallPreface } from "../calls/call_preface.ts";
import type { CallOptions } from "../options/call_options.ts";
import { parseSeed } from "../options/parse_seed.ts";

/**
 * Returns what workers must know before calls with these options, if anything.
 *
 * @param outputCalls Whether the calls have numbers even without a seed.
 */
export function prefaceOf(
  { runTimeout, seed }: CallOptions,
  outputCalls: boolean,
): CallPreface | undefined {
  const isNumbered = seed !== undefined || outputCalls;
  if (runTimeout === undefined && !isNumbered) return undefined;
  if (!isNumbered) return { runTimeout };
  const key = seed === undefined ? [] : parseSeed("seed", seed);
  return { runTimeout, seed: key };
}
