import type { CallTerms } from "../calls/call_kind.ts";
import type { CallOptions } from "../options/call_options.ts";
import { placementOf } from "./placement_of.ts";
import { prefaceOf } from "./preface_of.ts";

/**
 * Returns how and where calls with these options may run.
 *
 * @param retries The pool's default of that option.
 */
export function callTerms(options: CallOptions, retries: number): CallTerms {
  const { priority = 0 } = options;
  return {
    placement: placementOf(options),
    retries: options.retries ?? retries,
    priority: priority === 0 ? undefined : priority,
    preface: prefaceOf(options),
  };
}
