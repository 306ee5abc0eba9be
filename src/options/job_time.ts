import { wrongValue } from "./option_checks.ts";

/** Hours, minutes and seconds, or only seconds. */
const TIME = /^(?:(\d+):([0-5]\d):)?(\d+)$/;

/**
 * Parses how long a job may run: seconds, or hours, minutes and seconds.
 *
 * @param text The value of the option `time`.
 * @returns The time in seconds.
 * @throws {RangeError} If it is no such time, or isn't above 0.
 */
export function jobSeconds(text: string): number {
  const [, hours, minutes, last = ""] = text.match(TIME) ?? [];
  const isValid = hours === undefined || /^[0-5]\d$/.test(last);
  const seconds = Number(hours ?? 0) * 3_600 + Number(minutes ?? 0) * 60 +
    Number(last);
  if (isValid && seconds > 0 && Number.isSafeInteger(seconds)) return seconds;
  throw wrongValue(
    "time",
    text,
    'a time above 0 such as "5400" (seconds) or "1:30:00"',
  );
}
