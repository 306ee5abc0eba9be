/**
 * The tasks of the peers that run JavaScript. Each takes one argument, since
 * some pools pass no more.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

/** What `give()` returns, by its size. */
const payloads = new Map();

/** @param {number} x */
export function increment(x) {
  return x + 1;
}

/** @param {readonly number[]} xs */
export function incrementAll(xs) {
  return xs.map(increment);
}

/** @param {Uint8Array} bytes */
export function byteLength(bytes) {
  return bytes.length;
}

/**
 * Returns bytes, from the same memory each time.
 *
 * @param {number} size
 * @returns {Uint8Array}
 */
export function give(size) {
  let payload = payloads.get(size);
  if (payload === undefined) {
    payload = new Uint8Array(size).fill(1);
    payloads.set(size, payload);
  }
  return payload;
}

/** @param {number} iterations */
export function spin(iterations) {
  let x = 1;
  for (let i = 0; i < iterations; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) | 0;
  }
  return x;
}

/** @param {number} n An odd number. */
export function isPrime(n) {
  for (let divisor = 3; divisor * divisor <= n; divisor += 2) {
    if (n % divisor === 0) return false;
  }
  return true;
}

/**
 * Packs files, checks that each unpacks to the same bytes, and returns the size
 * of all packed files.
 *
 * @param {{ folder: string, paths: readonly string[] }} batch
 */
export function pack({ folder, paths }) {
  let size = 0;
  for (const path of paths) {
    const bytes = readFileSync(join(folder, path));
    const packed = gzipSync(bytes);
    if (!gunzipSync(packed).equals(bytes)) {
      throw new Error(`${path} didn't unpack to the same bytes`);
    }
    size += packed.length;
  }
  return size;
}
