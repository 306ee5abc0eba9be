/**
 * What the programs of this folder have in common: reading their flags, and
 * printing lines.
 *
 * @module
 */

/** A shorter token could be guessed offline from a recorded handshake. */
export const MIN_TOKEN_LENGTH = 16;

/** The values of flags, by name without dashes. */
export type Flags<Name extends string> = {
  readonly [name in Name]?: string | undefined;
};

/**
 * Reads a token from a file.
 *
 * @throws {Error} If the file can't be read, or the token is too short.
 */
export async function readToken(file: string): Promise<string> {
  const token = (await readFile("--token-file", file)).trim();
  if (token.length >= MIN_TOKEN_LENGTH) return token;
  throw new Error(
    `The token in ${file} has ${token.length} characters, but must have at least ${MIN_TOKEN_LENGTH}: 'openssl rand -hex 32' makes a good one`,
  );
}

/**
 * Reads a file that a flag names.
 *
 * @throws {Error} If it can't be read.
 */
export async function readFile(option: string, file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    throw new Error(`${option} ${file} can't be read: ${error}`);
  }
}

/**
 * Reads a whole number from a flag, if it was given.
 *
 * @throws {RangeError} If it isn't a whole number of this range.
 */
export function wholeNumber<Name extends string>(
  flags: Flags<Name>,
  name: Name,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  const range = most < Number.MAX_SAFE_INTEGER
    ? `from ${least} to ${most}`
    : `of at least ${least}`;
  throw new RangeError(
    `--${name} must be a whole number ${range}, but is "${text}"`,
  );
}

/** Returns whether only programs of this machine can reach a host name. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" ||
    /^127(?:\.\d+){3}$/.test(hostname);
}

/** Prints a line with the time to stderr. */
export function logLine(line: string): void {
  console.error(`${new Date().toISOString()} ${line}`);
}
