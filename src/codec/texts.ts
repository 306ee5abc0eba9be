// A task may replace the global.
const { URL } = globalThis;

// A byte order mark at the start belongs to the string.
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Makes the error for bytes that aren't a message. */
export function malformed(why: string): RangeError {
  return new RangeError(`Malformed message: ${why}`);
}

/** Decodes UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return textDecoder.decode(bytes);
  } catch {
    throw malformed("a string is not UTF-8");
  }
}

/** Parses a URL. */
export function makeURL(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw malformed("a URL is invalid");
  return url;
}

/** Makes a regular expression from its source and flags. */
export function makeRegExp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch {
    throw malformed("a regular expression is invalid");
  }
}

/** Parses hexadecimal digits after an optional minus sign. */
export function parseBigInt(hexadecimal: string): bigint {
  const negative = hexadecimal.startsWith("-");
  const digits = negative ? hexadecimal.slice(1) : hexadecimal;
  if (!/^[0-9a-f]+$/.test(digits)) throw malformed("a bigint is hexadecimal");
  const magnitude = BigInt(`0x${digits}`);
  return negative ? -magnitude : magnitude;
}
