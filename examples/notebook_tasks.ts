/**
 * The tasks of the notebook example. Each worker imports this module.
 *
 * @module
 */

/** Counts the primes from `start` up to but without `end`. */
export function countPrimes(start: number, end: number): number {
  let count = 0;
  for (let n = start; n < end; n++) if (isPrime(n)) count++;
  return count;
}

function isPrime(n: number): boolean {
  if (n < 2) return false;
  for (let divisor = 2; divisor * divisor <= n; divisor++) {
    if (n % divisor === 0) return false;
  }
  return true;
}
