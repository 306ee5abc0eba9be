/**
 * Maps in all ways: over sync, async and endless iterables, in order and as the
 * tasks finish, in chunks, with bound arguments and with a time limit.
 *
 * Run it with `deno run -A examples/maps.ts`.
 *
 * @module
 */

import { bind, Pool } from "@distex/pool";

const combine = (x: number, y: number, z: number) => x * y - 4 * z;

/** Counts up from 0 and never ends. */
async function* naturals(): AsyncGenerator<number> {
  for (let n = 0;; n++) yield await Promise.resolve(n);
}

await using pool = new Pool(2);

// One iterable per parameter. The map ends with the shortest.
const combined = pool.map(combine, [1, 2, 3], new Set([4, 5, 6]), naturals());
console.log("iterables:", await combined.toArray());

// Or one iterable of lists of arguments.
const lists: [number, number, number][] = [[1, 2, 3], [4, 5, 6]];
const spread = pool.map(combine, lists, { spread: true });
console.log("spread:", await spread.toArray());

// Results come in the order of the items, or as the tasks finish.
const wait = async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};
const ordered = pool.map(wait, [500, 0]);
console.log("ordered:", await ordered.toArray());
const unordered = pool.map(wait, [500, 0], { ordered: false, chunkSize: 1 });
console.log("unordered:", await unordered.toArray());

// Small tasks are faster in chunks. By default, the pool measures how large.
const numbers = Array(10_000).keys();
const sums = pool.map((x: number) => x + 1, numbers, { chunkSize: 1_000 });
let total = 0;
for await (const sum of sums) total += sum;
console.log("chunks:", total);

// Bound arguments are sent to each worker once.
const words = ["zero", "one", "two"];
const nameOf = bind((words: string[], n: number) => words[n], words);
console.log("bound:", await pool.map(nameOf, [2, 0]).toArray());

// The time limit is for the whole map.
try {
  await pool.map(wait, [1e9], { timeout: 100 }).toArray();
} catch (error) {
  console.log("timeout:", error instanceof DOMException && error.name);
}
