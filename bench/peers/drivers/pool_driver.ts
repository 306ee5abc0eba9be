/**
 * Drives the pool itself: `deno run -A pool_driver.ts <workers>`.
 *
 * @module
 */

import { importTasks, Pool } from "@distex/pool";
import config from "../../../deno.json" with { type: "json" };
import { serve } from "./js_driver.mjs";
import { type JsRequest, type PeerPool, perform } from "./js_works.mjs";

const TASKS = import.meta.resolve("./js_tasks.mjs");

await serve(async () => {
  const pool = new Pool(Number(Deno.args[0]));
  await pool.ready;
  const adapted = adapt(pool);
  return {
    version: config.version,
    runtime: `Deno ${Deno.version.deno}`,
    perform: (request) => perform(adapted, request as JsRequest),
    close: adapted.close,
  };
});

function adapt(pool: Pool): PeerPool {
  const tasks = importTasks<Record<string, (x: unknown) => unknown>>(TASKS);
  return {
    call: (name, x) => pool.run(tasks[name]!, x),
    each: (name, xs) => pool.map(tasks[name]!, xs, { chunkSize: 1 }).toArray(),
    map: (name, xs) => pool.map(tasks[name]!, xs),
    mapToArray: (name, xs) => pool.map(tasks[name]!, xs).toArray(),
    chunks: (name, xs, chunkSize) => pool.map(tasks[name]!, xs, { chunkSize }),
    chunksToArray: (name, xs, chunkSize) =>
      pool.map(tasks[name]!, xs, { chunkSize }).toArray(),
    close: () => pool.shutdown(),
  };
}
