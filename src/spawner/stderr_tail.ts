/** The backtrace that Deno prints after its own errors; it has no names. */
const BACKTRACE = /\n+Stack backtrace:\n(?: .*(?:\n|$))*$/;

/**
 * Converts the end of a process's stderr to text for messages, without colours
 * and other codes for terminals.
 */
export async function readStderrTail(tail: Uint8Array): Promise<string> {
  if (tail.length === 0) return "";
  // This module loads slowly, and most workers end without output.
  const { stripVTControlCharacters } = await import("node:util");
  const text = stripVTControlCharacters(new TextDecoder().decode(tail));
  return text.replaceAll("\r\n", "\n").replace(BACKTRACE, "").trim();
}
