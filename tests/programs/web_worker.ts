/** Runs tasks in a pool that a web worker creates. @module */

import { importTasks, Pool } from "../../mod.ts";

const tasks = importTasks<typeof import("./web_worker_tasks.ts")>(
  import.meta.resolve("./web_worker_tasks.ts"),
);
const pool = new Pool(1);
const results = await pool.map(tasks.areEqual, [1, 2]).toArray();
await pool.shutdown();
postMessage(results);

/** Exists in web workers, but not in Deno's default types. */
declare function postMessage(message: unknown): void;
