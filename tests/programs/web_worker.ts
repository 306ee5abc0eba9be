/** Runs a task in a pool that is made in a web worker. @module */

import { importTasks, Pool } from "../../mod.ts";

const tasks = importTasks<typeof import("./web_worker_tasks.ts")>(
  import.meta.resolve("./web_worker_tasks.ts"),
);
const pool = new Pool(1);
const results = await pool.map(tasks.areEqual, [1, 2]).toArray();
await pool.shutdown();
postMessage(results);

/** A web worker's, which isn't part of the types of programs. */
declare function postMessage(message: unknown): void;
