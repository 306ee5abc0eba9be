const SECRET_BYTES = 32;

/** Makes a new random secret. */
export function makeSecret(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** Derives a secret from a token of any length, even the empty one. */
export async function secretOfToken(
  token: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(token);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
