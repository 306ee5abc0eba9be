import type { CallTerms } from "../calls/call_kind.ts";
import { bucketOf } from "../calls/key_bucket.ts";
import { KeyedTerms, type KeyFunction } from "../calls/keyed_terms.ts";
import type { CallOptions } from "../options/call_options.ts";
import type { CallSettings } from "../options/call_settings.ts";
import { placementOf } from "./placement_of.ts";
import { prefaceOf } from "./preface_of.ts";

/** The options of a pool that concern its calls. */
interface PoolDefaults {
  /** How often a call may run again after its worker was lost. */
  readonly retries: number;
  /** Whether what tasks print carries their calls. */
  readonly outputCalls: boolean;
}

/** Returns how and where calls with these options may run. */
export function callTerms(
  options: CallSettings,
  { retries, outputCalls }: PoolDefaults,
): CallTerms {
  const { priority = 0, key } = options;
  return {
    placement: placementOf(options, key !== undefined),
    retries: options.retries ?? retries,
    retry: options.retry,
    priority: priority === 0 ? undefined : priority,
    bucket: typeof key === "string" ? bucketOf(key) : undefined,
    preface: prefaceOf(options, outputCalls),
  };
}

/**
 * Returns the terms of calls whose arguments decide their keys, if they do.
 *
 * @param terms What the calls have in common.
 */
export function keyedTerms(
  { key }: CallOptions,
  terms: CallTerms,
): KeyedTerms | undefined {
  return typeof key === "function"
    ? new KeyedTerms(terms, key as KeyFunction)
    : undefined;
}
