/**
 * Maps numbers to long texts that differ in each run, with a journal, and
 * prints their beginnings.
 *
 * Argument: the path of the journal.
 */

import { Pool } from "../../mod.ts";

const [journal] = Deno.args as [string];
const numbers = Array.from({ length: 1_000 }, (_, index) => index);

await using pool = new Pool(1);
const texts = pool.map(
  (x: number) => `${x} ${Math.random()} `.padEnd(10_000, "."),
  numbers,
  { journal },
);
for await (const text of texts) console.log(text.slice(0, 30));
