// Tasks may replace it.
const { imul } = Math;

/** How many rounds mix a counter. */
const ROUNDS = 10;

const MULTIPLIER_0 = 0xD2511F53;
const MULTIPLIER_1 = 0xCD9E8D57;

/** What the key grows by from round to round. */
const WEYL_0 = 0x9E3779B9;
const WEYL_1 = 0xBB67AE85;

/** A key: two numbers of 32 bits, the lower one first. */
export type PhiloxKey = readonly [low: number, high: number];

/**
 * Fills four words of 32 bits with what Philox4x32-10 makes of them: John Salmon
 * et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11, 2011,
 * https://doi.org/10.1145/2063384.2063405).
 *
 * @param words The counter, replaced by four random words.
 */
export function philox(words: Uint32Array, key: PhiloxKey): void {
  let a = words[0]!;
  let b = words[1]!;
  let c = words[2]!;
  let d = words[3]!;
  let key0 = key[0];
  let key1 = key[1];
  for (let round = 0; round < ROUNDS; round++) {
    const x = highWord(MULTIPLIER_1, c) ^ b ^ key0;
    const y = highWord(MULTIPLIER_0, a) ^ d ^ key1;
    b = imul(MULTIPLIER_1, c);
    d = imul(MULTIPLIER_0, a);
    a = x >>> 0;
    c = y >>> 0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
}

/** Returns the upper 32 bits of the product of two numbers of 32 bits. */
function highWord(a: number, b: number): number {
  const a0 = a & 0xFFFF;
  const a1 = a >>> 16;
  const b0 = b & 0xFFFF;
  const b1 = b >>> 16;
  const low = a1 * b0 + ((a0 * b0) >>> 16);
  const high = a0 * b1 + (low & 0xFFFF);
  return a1 * b1 + (low >>> 16) + (high >>> 16);
}

/**
 * Returns a generator of numbers from 0, inclusive, to 1, exclusive. Two words of
 * Philox4x32-10 make one number of 53 bits. The counter is the block, in its two
 * lower words, and the index of the stream, in the other two.
 *
 * @param key The seed.
 * @param stream The index of the stream: each has numbers of its own.
 */
export function makePhilox(key: PhiloxKey, stream: number): () => number {
  const words = new Uint32Array(4);
  let block = 0;
  let next = 4;
  return () => {
    if (next === 4) {
      words[0] = block;
      words[1] = block / 2 ** 32;
      words[2] = stream;
      words[3] = stream / 2 ** 32;
      philox(words, key);
      block++;
      next = 0;
    }
    const upper = words[next]! >>> 5;
    const lower = words[next + 1]! >>> 6;
    next += 2;
    return (upper * 2 ** 26 + lower) / 2 ** 53;
  };
}
