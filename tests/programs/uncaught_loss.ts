/**
 * Causes an uncaught `WorkerLostError`.
 *
 * @module
 */

import { Pool } from "../../mod.ts";

await using pool = new Pool({ workers: 1, stdio: "null" });
const exit = [(code: number) => Deno.exit(code)];

/** Stands for a user's function. */
async function callTask(): Promise<void> {
  if (Deno.args[0] === "map") await pool.map(exit[0]!, [3]).toArray();
  else if (Deno.args[0] === "submit") await pool.submit(exit[0]!, 3);
  else if (Deno.args[0] === "run") await pool.run(exit[0]!, 3);
  else {await Promise.all(Array.from({ length: 9 }, () =>
      pool.run(exit[0]!, 3)));}
}

await callTask();
