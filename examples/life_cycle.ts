/**
 * Follows a pool from its start to its end.
 *
 * Run it with `deno run -A examples/life_cycle.ts`.
 *
 * @module
 */

import { Pool } from "@distex/pool";

// The pool starts at once. Calls wait until it is ready, so programs don't have
// to.
const pool = new Pool(2);
console.log("ready at first:", pool.isReady);
await pool.ready;
console.log("ready:", pool.isReady, "with", pool.totalWorkers, "workers");

// Runs once on each worker, between the tasks before and the tasks after it.
const pids = await pool.runOnAll(() => Deno.pid);
console.log("processes:", new Set(pids).size);

// Waits for the tasks that were submitted; `await using` does it too.
const last = pool.submit(() => "done");
await pool.shutdown();
console.log("last task:", await last);
console.log("ready at last:", pool.isReady);
