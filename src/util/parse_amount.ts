/** Factors by the letter that follows a number; `i` after it means binary. */
const PREFIXES = ["", "k", "m", "g", "t", "p"];

/**
 * Parses an amount such as `"2"`, `"0.5"`, `"64G"` or `"1.5GiB"`. G is 10 ** 9
 * and Gi is 2 ** 30; the letters K, M, G, T and P may be small, and a B may
 * follow.
 *
 * @returns The amount, or `undefined` if the text isn't an amount.
 */
export function parseAmount(text: string): number | undefined {
  const match = text.trim().match(/^(\d+(?:\.\d+)?) ?([kmgtp]?)(i?)b?$/i);
  if (match === null) return undefined;
  const [, number, letter = "", binary] = match;
  if (binary !== "" && letter === "") return undefined;
  const exponent = PREFIXES.indexOf(letter.toLowerCase());
  const amount = Number(number) * (binary === "" ? 1_000 : 1_024) ** exponent;
  return Number.isFinite(amount) ? amount : undefined;
}
