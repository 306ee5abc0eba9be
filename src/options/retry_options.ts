import {
  checkInteger,
  checkNames,
  checkObject,
  wrongType,
  wrongValue,
} from "./option_checks.ts";

/**
 * How tasks that throw run again: the option `retry` of
 * {@linkcode TaskRunner.with}. The names and defaults are those of
 * [`retry()`](https://jsr.io/@std/async/doc/retry/~/RetryOptions) of
 * `@std/async`, with `attempts` for `maxAttempts` and `when` for `isRetriable`.
 *
 * After its nth attempt, a task waits for `minTimeout * multiplier ** (n - 1)`
 * milliseconds, at most `maxTimeout`. With `jitter` 1, it waits for a random
 * part of that, with 0 for all of it.
 *
 * @example Usage
 * ```ts
 * import { Pool, type RetryOptions } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const flaky = (): number => {
 *   const counts = globalThis as { runs?: number };
 *   counts.runs = (counts.runs ?? 0) + 1;
 *   if (counts.runs < 3) throw new Error("busy");
 *   return counts.runs;
 * };
 *
 * const retry: RetryOptions = {
 *   attempts: 4,
 *   when: (error) => error instanceof Error && error.message === "busy",
 *   minTimeout: 10,
 * };
 * await using pool = new Pool(1);
 * assertEquals(await pool.with({ retry }).run(flaky), 3);
 * ```
 */
export interface RetryOptions {
  /**
   * How many times a task runs at most, the first time included.
   *
   * @default {5}
   */
  readonly attempts?: number;
  /**
   * Returns whether a task that threw this error should run again. It is called
   * in the program, after each attempt but the last one. If it throws, the call
   * fails with its error. By default, all errors count.
   */
  readonly when?: (error: unknown) => boolean;
  /**
   * The longest pause after the first attempt, in milliseconds.
   *
   * @default {1_000}
   */
  readonly minTimeout?: number;
  /**
   * The longest pause after any attempt, in milliseconds. May be `Infinity`.
   *
   * @default {60_000}
   */
  readonly maxTimeout?: number;
  /**
   * How many times as long the longest pause is after each further attempt.
   *
   * @default {2}
   */
  readonly multiplier?: number;
  /**
   * Which part of a pause is random, from 0 to 1.
   *
   * @default {1}
   */
  readonly jitter?: number;
}

/** The options of retries, checked and with the defaults. */
export type RetrySettings = Required<RetryOptions>;

/**
 * Checks the options of retries and fills in the defaults.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function retrySettings(options: RetryOptions): RetrySettings {
  checkObject("'retry'", options);
  const {
    attempts = 5,
    when = () => true,
    minTimeout = 1_000,
    maxTimeout = 60_000,
    multiplier = 2,
    jitter = 1,
  } = options;
  const settings = {
    attempts,
    when,
    minTimeout,
    maxTimeout,
    multiplier,
    jitter,
  };
  checkNames("'retry'", options, settings, RENAMED);
  checkInteger("retry.attempts", attempts, 1);
  if (typeof when !== "function") {
    throw wrongType("retry.when", when, "a function");
  }
  checkNumber(
    "minTimeout",
    minTimeout,
    minTimeout >= 0,
    "a number of milliseconds of at least 0",
  );
  checkNumber(
    "maxTimeout",
    maxTimeout,
    maxTimeout > 0,
    "a number of milliseconds above 0, or Infinity",
  );
  if (minTimeout > maxTimeout) {
    throw new RangeError(
      `'retry.minTimeout' must not be above 'retry.maxTimeout', but they are ${minTimeout} and ${maxTimeout}: set both`,
    );
  }
  checkNumber(
    "multiplier",
    multiplier,
    multiplier >= 1 && multiplier < Infinity,
    "a finite number of at least 1",
  );
  checkNumber(
    "jitter",
    jitter,
    jitter >= 0 && jitter <= 1,
    "a number from 0 to 1",
  );
  return settings;
}

/** The names in `@std/async`, and what to write instead. */
const RENAMED = new Map([
  ["maxAttempts", "use 'attempts'"],
  ["isRetriable", "use 'when'"],
  ["signal", "pass it to with(), as in pool.with({ signal, retry })"],
]);

function checkNumber(
  name: keyof RetryOptions,
  value: unknown,
  isInRange: boolean,
  expected: string,
): void {
  if (typeof value !== "number") {
    throw wrongType(`retry.${name}`, value, expected);
  }
  if (!isInRange) throw wrongValue(`retry.${name}`, value, expected);
}
