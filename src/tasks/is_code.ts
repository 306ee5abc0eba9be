import type { Token } from "js-tokens";

const NOT_CODE: ReadonlySet<string> = new Set([
  "WhiteSpace",
  "LineTerminatorSequence",
  "SingleLineComment",
  "MultiLineComment",
]);

/** Whether a token is code, not white space or a comment. */
export function isCode({ type }: Token): boolean {
  return !NOT_CODE.has(type);
}
