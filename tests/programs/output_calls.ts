/**
 * Runs tasks that print, with the pool's options in its first argument, as JSON.
 */

import { Pool } from "../../mod.ts";

async function printTwice(x: number): Promise<void> {
  console.log("begins\nin two lines");
  await new Promise((resolve) => setTimeout(resolve, 10 * (3 - x)));
  console.error("ends %d", x);
}

function* printBetween(x: number): Generator<number> {
  yield x;
  console.log(`after ${x}`);
}

await using pool = new Pool({
  ...JSON.parse(Deno.args[0]!),
  concurrency: 3,
  initializer: () => console.log("initializer"),
});
await pool.map(printTwice, [0, 1, 2]).toArray();
await pool.map(printBetween, [7, 8], { chunkSize: 2 }).toArray();
await pool.run(function group(): void {
  console.group("group");
  console.table([{ a: 1 }]);
  console.info({ deep: { a: { b: { c: 1 } } } });
  console.groupEnd();
});
await pool.run(() => {
  console.warn();
  console.count();
});
await pool.with({ seed: 1 }).run(function raw(): void {
  Deno.stdout.writeSync(new TextEncoder().encode("raw\n"));
  console.log("labeled");
});
