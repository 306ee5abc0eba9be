import { StoredBundle } from "../src/bundle/stored_bundle.ts";
import { WORKER_PROGRAM } from "../src/spawner/worker_program.ts";
import { findConfig } from "../src/util/find_config.ts";
import { KeepAlive } from "../src/util/keep_alive.ts";

/**
 * Puts the bundle of the local workers' program into the cache. A pool that is
 * shut down as soon as it is ready has no time to do so.
 */
export async function storeBundle(): Promise<void> {
  const bundle = new StoredBundle(WORKER_PROGRAM, findConfig());
  const keepAlive = new KeepAlive();
  await keepAlive.during(bundle.make(new AbortController().signal));
  keepAlive.close();
}
