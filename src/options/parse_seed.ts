import { wrongType, wrongValue } from "./option_checks.ts";

const EXPECTED =
  "an integer from 0 to 2 ** 53 - 1, or a bigint from 0n to 2n ** 64n - 1n";

/**
 * Checks a seed of random numbers.
 *
 * @returns The seed as two numbers of 32 bits, the lower one first.
 * @throws {TypeError} If it is neither a number nor a bigint.
 * @throws {RangeError} If it is out of range.
 */
export function parseSeed(
  name: string,
  value: unknown,
): [low: number, high: number] {
  if (typeof value === "bigint") {
    if (BigInt.asUintN(64, value) !== value) {
      throw wrongValue(name, value, EXPECTED);
    }
    return [Number(value & 0xFFFFFFFFn), Number(value >> 32n)];
  }
  if (typeof value !== "number") throw wrongType(name, value, EXPECTED);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw wrongValue(name, value, EXPECTED);
  }
  return [value >>> 0, Math.floor(value / 2 ** 32)];
}
