/** Prints the folder of the cache and the bundle of an entry. @module */

import { findCacheFolder } from "../../src/bundle/find_cache_folder.ts";
import { workerBundle } from "../../src/bundle/worker_bundle.ts";

const [entry] = Deno.args;
const { signal } = new AbortController();
const code = entry === undefined
  ? ""
  : await workerBundle(entry, undefined, signal);
console.log(JSON.stringify({
  folder: findCacheFolder() ?? null,
  code,
}));
