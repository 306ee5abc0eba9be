/** The most workers, hosts or calls that a sentence lists. */
const MAX_LISTED = 3;

/** Lists the first of some texts. */
export function listed(texts: readonly string[], separator = ", "): string {
  const rest = texts.length - MAX_LISTED;
  const first = texts.slice(0, MAX_LISTED).join(separator);
  return rest > 0 ? `${first} and ${rest} more` : first;
}

/** Returns a number with a noun, such as `2 workers`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Returns a number with a noun and a verb, such as `2 workers have`. */
export function counted(
  number: number,
  noun: string,
  one: string,
  many: string,
): string {
  return `${count(number, noun)} ${number === 1 ? one : many}`;
}

/** Returns a text without line breaks: what ssh prints may have some. */
export function oneLine(text: string): string {
  return text.split("\n").map((line) => line.trim()).join(" ");
}

/** Returns a text after a separator, or nothing. */
export function after(separator: string, text: string): string {
  return text === "" ? "" : `${separator}${text}`;
}
