/**
 * Counts primes in many ranges, and keeps what is finished in a file. If it is
 * interrupted, by Ctrl+C, `kill -9` or a power failure, the same command goes
 * on where it was.
 *
 * Run it with `deno run -A examples/journal.ts [file]`.
 *
 * @module
 */

import { JournalError, Pool } from "@distex/pool";

const RANGE = 50_000;
const RANGES = 100;

/** Counts the primes in a range. */
function countPrimes(start: number, end: number): number {
  let count = 0;
  for (let n = Math.max(2, start); n < end; n++) {
    let isPrime = true;
    for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0;
    if (isPrime) count++;
  }
  return count;
}

const [file = "primes.db"] = Deno.args;
const ranges = Array.from(
  { length: RANGES },
  (_, index): [number, number] => [index * RANGE, (index + 1) * RANGE],
);

await using pool = new Pool();
const counts = pool.map(countPrimes, ranges, { spread: true, journal: file });
let total = 0;
let finished = 0;
try {
  for await (const count of counts) {
    total += count;
    finished++;
    if (finished % 10 === 0) console.log(`${finished} of ${RANGES} ranges`);
  }
  console.log(`${total} primes below ${RANGE * RANGES}`);
} catch (error) {
  // The message says what to do, so nobody needs the stack.
  if (!(error instanceof JournalError)) throw error;
  console.error(error.message);
  Deno.exitCode = 1;
}
