import { malformed } from "./texts.ts";

/** How the text of {@linkcode Extension.STRINGS} is encoded. */
export const TextEncoding = { ASCII: 0, UTF8: 1 } as const;

/**
 * The longest strings that are sent together, in UTF-16 code units with 3 more
 * for each string.
 */
export const MAX_UNITS = 2 ** 18;

/** The longest text that they may become, in bytes: JSON may escape a unit. */
export const MAX_TEXT_BYTES = MAX_UNITS * 6 + 2;

/**
 * Parses an array of strings.
 *
 * @throws {RangeError} If the text is anything else.
 */
export function parseStrings(text: string): string[] {
  let strings: unknown;
  try {
    strings = JSON.parse(text);
  } catch {
    throw malformed("strings are JSON");
  }
  if (!Array.isArray(strings)) throw malformed("strings are an array");
  for (let index = 0; index < strings.length; index++) {
    if (typeof strings[index] !== "string") {
      throw malformed("strings contain another value");
    }
  }
  return strings;
}
