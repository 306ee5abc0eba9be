/** What Deno writes after its own errors, where it has no names in it. */
const BACKTRACE = /\n+Stack backtrace:\n(?: .*(?:\n|$))*$/;

/**
 * Makes text for messages of the last that a process wrote to stderr: without
 * colours and the like, which are for the terminal that it thinks it has.
 */
export async function readStderrTail(tail: Uint8Array): Promise<string> {
  if (tail.length === 0) return "";
  // It takes a while to load, and most workers have no last words.
  const { stripVTControlCharacters } = await import("node:util");
  const text = stripVTControlCharacters(new TextDecoder().decode(tail));
  return text.replaceAll("\r\n", "\n").replace(BACKTRACE, "").trim();
}
