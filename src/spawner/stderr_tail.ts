/** The backtrace that Deno prints after its own errors, without names. */
const BACKTRACE = /\n+Stack backtrace:\n(?: .*(?:\n|$))*$/;

/**
 * Converts the end of a process's stderr to text for messages, without colors
 * and other terminal codes.
 */
export async function readStderrTail(tail: Uint8Array): Promise<string> {
  if (tail.length === 0) return "";
  // `node:util` loads slowly, and most workers write nothing to stderr.
  const { stripVTControlCharacters } = await import("node:util");
  const text = stripVTControlCharacters(new TextDecoder().decode(tail));
  return text.replaceAll("\r\n", "\n").replace(BACKTRACE, "").trim();
}
