/**
 * Drives plain Deno processes without a pool, each of which does its share of
 * the items: `deno run -A processes_driver.ts <processes>`.
 *
 * @module
 */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { serve } from "./js_driver.mjs";
import { type JsRequest, type PeerPool, perform } from "./js_works.mjs";

const SHARE = fileURLToPath(import.meta.resolve("./share_process.mjs"));

await serve(() => {
  const processes = Array.from(
    { length: Number(Deno.args[0]) },
    () => fork(SHARE),
  );
  const pool = adapt(processes);
  return Promise.resolve({
    version: Deno.version.deno,
    runtime: "no pool",
    perform: (request) => perform(pool, request as JsRequest),
    close: pool.close,
  });
});

function adapt(processes: readonly ChildProcess[]): PeerPool {
  /** Deals the items out in turn, so each share has some of every kind. */
  async function map(task: string, xs: readonly unknown[]): Promise<unknown[]> {
    const results = new Array<unknown>(xs.length);
    await Promise.all(processes.map(async (process, first) => {
      const isOwn = (_: unknown, index: number) =>
        index % processes.length === first;
      process.send({ task, xs: xs.filter(isOwn) });
      const [own] = await once(process, "message");
      own.forEach((result: unknown, index: number) => {
        results[first + index * processes.length] = result;
      });
    }));
    return results;
  }
  return {
    call: async (task, x) => (await map(task, [x]))[0],
    each: map,
    mapToArray: map,
    close: () => processes.forEach((process) => process.disconnect()),
  };
}
