import type { RetrySettings } from "../options/retry_options.ts";
import { LONGEST_DELAY } from "../util/keep_alive.ts";

/** A run of a task that has thrown, and what comes next. */
export interface FailedAttempt {
  /** What the task threw, or what the option `when` threw. */
  readonly reason: unknown;
  /** How many times the task has run. */
  readonly attempts: number;
  /** After how many milliseconds it runs again; `undefined`: it doesn't. */
  readonly pause: number | undefined;
}

/**
 * Decides whether a task that has thrown runs again. If it doesn't, the error
 * gets its property `attempts`.
 *
 * @param attempts How many times the task has run.
 */
export function judgeAttempt(
  retry: RetrySettings,
  thrown: unknown,
  attempts: number,
): FailedAttempt {
  if (attempts < retry.attempts && !isUnsendable(thrown)) {
    try {
      if (mayRetry(retry, thrown)) {
        return { reason: thrown, attempts, pause: pauseAfter(retry, attempts) };
      }
    } catch (reason) {
      return lastAttempt(reason, attempts);
    }
  }
  return lastAttempt(thrown, attempts);
}

/** Describes an attempt that is the last one. */
export function lastAttempt(reason: unknown, attempts: number): FailedAttempt {
  const isObject = typeof reason === "object" && reason !== null ||
    typeof reason === "function";
  if (isObject && !Object.hasOwn(reason, "attempts")) {
    // This fails if the error isn't extensible.
    Reflect.defineProperty(reason, "attempts", {
      value: attempts,
      writable: true,
      configurable: true,
    });
  }
  return { reason, attempts, pause: undefined };
}

/**
 * Returns whether a result, or another value, couldn't be sent. That is the cause
 * of an error about a generator or a stream.
 */
function isUnsendable(thrown: unknown): boolean {
  const error = thrown instanceof TypeError ? thrown.cause : thrown;
  return error instanceof DOMException && error.name === "DataCloneError";
}

function mayRetry({ when }: RetrySettings, thrown: unknown): boolean {
  const answer: unknown = when(thrown);
  if (typeof answer === "boolean") return answer;
  throw new TypeError(
    `'retry.when' must return true or false, but returned ${
      Deno.inspect(answer)
    }`,
  );
}

/**
 * Returns the pause after an attempt: exponential, with jitter.
 *
 * @see {@link https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/}
 */
function pauseAfter(
  { minTimeout, maxTimeout, multiplier, jitter }: RetrySettings,
  attempts: number,
): number {
  // After many attempts, the power is Infinity, and 0 * Infinity is NaN.
  const growth = Math.min(multiplier ** (attempts - 1), Number.MAX_VALUE);
  const longest = Math.min(minTimeout * growth, maxTimeout, LONGEST_DELAY);
  return longest * (1 - jitter * Math.random());
}
