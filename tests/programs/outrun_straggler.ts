/** Leaves a task behind that another run of it has outrun, and ends. */

import { bind, Pool } from "../../mod.ts";

const [file] = Deno.args;

/** Never returns the first time that its argument is 39. */
function straggle(file: string, x: number): number {
  if (x === 39) {
    try {
      Deno.openSync(file, { write: true, createNew: true }).close();
    } catch {
      return x;
    }
    for (;;);
  }
  return x;
}

const pool = new Pool({ workers: 2, cancelGrace: 600_000 });
const items = Array.from({ length: 40 }, (_, index) => index);
const results = await pool.with({ speculate: true })
  .map(bind(straggle, file!), items, { chunkSize: 1 }).toArray();
console.log(results.length);
