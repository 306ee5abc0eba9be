/** Characters that no shell treats specially. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Quotes an argument for a POSIX shell, if it needs that. */
export function quoteForShell(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
