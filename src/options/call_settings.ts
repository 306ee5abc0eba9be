import type { CallOptions } from "./call_options.ts";
import {
  checkBoolean,
  checkChoice,
  checkFinite,
  checkFunction,
  checkInteger,
  checkMilliseconds,
  checkNames,
  checkObject,
  checkSignal,
  wrongType,
} from "./option_checks.ts";
import { parseSeed } from "./parse_seed.ts";
import { checkLabels, parseResources } from "./place.ts";
import { RENAMED_CALL_OPTIONS } from "./renamed_options.ts";
import { type RetrySettings, retrySettings } from "./retry_options.ts";

/** The options of calls, checked and with the defaults of `retry`. */
export interface CallSettings extends CallOptions {
  /** See {@linkcode CallOptions.retry}. */
  readonly retry?: RetrySettings;
}

const CALL_OPTIONS = {
  host: undefined,
  where: undefined,
  resources: undefined,
  onUnmet: undefined,
  timeout: undefined,
  runTimeout: undefined,
  signal: undefined,
  retries: undefined,
  priority: undefined,
  key: undefined,
  retry: undefined,
  seed: undefined,
  speculate: undefined,
  onMessage: undefined,
};

/**
 * Checks the options of calls, and fills in the defaults of `retry`.
 *
 * @param hosts The names of the pool's hosts.
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function callSettings(
  options: CallOptions,
  hosts: readonly string[],
): CallSettings {
  checkObject("with()", options);
  const { host, where, resources, onUnmet } = options;
  const { timeout, runTimeout, signal, retries, retry } = options;
  const { priority, key, seed, speculate } = options;
  checkNames("with()", options, CALL_OPTIONS, RENAMED_CALL_OPTIONS);
  if (host !== undefined) checkChoice("host", host, hosts);
  if (where !== undefined) checkLabels("where", where);
  if (resources !== undefined) parseResources("resources", resources);
  if (onUnmet !== undefined) checkChoice("onUnmet", onUnmet, ["fail", "wait"]);
  if (timeout !== undefined) checkMilliseconds("timeout", timeout);
  if (runTimeout !== undefined) checkMilliseconds("runTimeout", runTimeout);
  if (retries !== undefined) checkInteger("retries", retries, 0);
  if (priority !== undefined) checkFinite("priority", priority);
  if (key !== undefined) checkKey(key);
  if (seed !== undefined) parseSeed("seed", seed);
  if (speculate !== undefined) checkBoolean("speculate", speculate);
  checkSignal(signal);
  checkFunction("onMessage", options.onMessage);
  return retry === undefined
    ? options as CallSettings
    : { ...options, retry: retrySettings(retry) };
}

function checkKey(key: unknown): void {
  if (typeof key === "string" || typeof key === "function") return;
  throw wrongType("key", key, "a string, or a function that returns one");
}
