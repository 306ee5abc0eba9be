import { checkMilliseconds } from "../options/option_checks.ts";

/**
 * Checks a time limit: 0 asks for what is there already.
 *
 * @throws {TypeError} If it isn't a number.
 * @throws {RangeError} If it is out of range.
 */
export function checkTimeLimit(timeout: number | undefined): void {
  if (timeout !== undefined && timeout !== 0) {
    checkMilliseconds("timeout", timeout);
  }
}
