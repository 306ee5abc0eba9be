/**
 * Waits for room several times, while no call is pending and the only worker is
 * being replaced.
 *
 * @module
 */

import { Pool } from "../../mod.ts";

async function main(): Promise<void> {
  const pool = new Pool({ workers: 1, maxQueue: 0, maxTasksPerWorker: 1 });
  for (let call = 0; call < 3; call++) {
    await pool.hasRoom();
    console.log(await pool.run((x: number) => x, call));
  }
}

// With an `await` here, Deno would wait even if nothing kept it alive.
main();
