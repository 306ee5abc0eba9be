import { makePhilox, type PhiloxKey } from "../util/philox.ts";

// Tasks may replace it.
const { crypto } = globalThis;

/**
 * Returns the generator of the random numbers of a call or item.
 *
 * @param seed Its seed; `undefined`: the numbers are different each time.
 */
export function makeRandom(
  seed: readonly number[] | undefined,
  number = 0,
): () => number {
  if (seed !== undefined) return makePhilox(seed as PhiloxKey, number);
  const key = crypto.getRandomValues(new Uint32Array(2));
  return makePhilox([key[0]!, key[1]!], 0);
}
