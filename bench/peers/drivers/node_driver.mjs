/**
 * Drives a pool of npm under Node: `node node_driver.mjs <peer> <workers>`.
 *
 * It runs in a folder where the packages are installed.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { serve } from "./js_driver.mjs";
import { perform } from "./js_works.mjs";
import { NODE_POOLS } from "./node_pools.mjs";

const [peer, workers] = process.argv.slice(2);
const { name, make } = NODE_POOLS[peer];

await serve(async () => {
  const pool = make(await import(name), Number(workers));
  return {
    version: versionOf(name),
    runtime: `Node ${process.versions.node}`,
    perform: (request) => perform(pool, request),
    close: pool.close,
  };
});
// Some pools leave threads or timers behind.
process.exit();

function versionOf(name) {
  const manifest = new URL(
    `node_modules/${name}/package.json`,
    import.meta.url,
  );
  return JSON.parse(readFileSync(fileURLToPath(manifest), "utf8")).version;
}
