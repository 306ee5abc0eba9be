/** Writes where the cache is, and the worker program of an entry. @module */

import { findCacheFolder } from "../../../src/bundle/cache_folder.ts";
import { workerBundle } from "../../../src/bundle/worker_bundle.ts";

const [entry] = Deno.args;
const bundles = entry === undefined
  ? []
  : [workerBundle(entry, undefined), workerBundle(entry, undefined)];
console.log(JSON.stringify({
  folder: findCacheFolder() ?? null,
  isSame: bundles[0] === bundles[1],
  code: await bundles[0] ?? "",
}));
