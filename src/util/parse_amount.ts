/** The letters that may follow a number: powers of 1,000, or of 1,024 with `i`. */
const PREFIXES = ["", "K", "M", "G", "T", "P"];

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
  const exponent = PREFIXES.indexOf(letter.toUpperCase());
  const amount = Number(number) * (binary === "" ? 1_000 : 1_024) ** exponent;
  return Number.isFinite(amount) ? amount : undefined;
}

/** Returns an amount as a short text that {@linkcode parseAmount} reads. */
export function formatAmount(amount: number): string {
  for (const [binary, base] of [["", 1_000], ["i", 1_024]] as const) {
    for (let exponent = PREFIXES.length - 1; exponent > 0; exponent--) {
      const scaled = amount / base ** exponent;
      const isShort = scaled >= 1 && scaled * 100 % 1 === 0;
      if (isShort) return `${scaled}${PREFIXES[exponent]}${binary}`;
    }
  }
  return String(amount);
}
