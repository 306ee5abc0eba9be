/**
 * Finds the first primes above ten trillion, on all cores.
 *
 * Run it with `deno run -A examples/primes.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";

const START = 10_000_000_000_000;

/** The pool sends only this function's source, so it uses nothing else. */
function isPrime(n: number): boolean {
  if (n < 2 || n % 2 === 0) return n === 2;
  for (let divisor = 3; divisor * divisor <= n; divisor += 2) {
    if (n % divisor === 0) return false;
  }
  return true;
}

/** Never ends: a map takes only as many numbers as it needs. */
function* numbersFrom(n: number): Generator<number> {
  while (true) yield n++;
}

await using pool = new Pool();

// Most numbers take almost no time, too little for a message each, so the pool
// sends them in chunks.
const answers = pool.map(isPrime, numbersFrom(START), { chunkSize: 20 });

let number = START;
let found = 0;
for await (const prime of answers) {
  if (prime) console.log(`${++found}. ${number}`);
  if (found === 10) break;
  number++;
}
