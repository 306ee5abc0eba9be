/**
 * A spawner server: starts workers on this machine for pools elsewhere.
 *
 * `deno run -A jsr:@distex/pool/server --help` prints its options. To use it,
 * give a pool a host without `ssh://`, and the server's token if it has one:
 * `new Pool(4, "mini/2", { token: Deno.env.get("POOL_TOKEN")! })`.
 *
 * @module
 */

import { StoredBundle } from "./src/bundle/stored_bundle.ts";
import { runServer } from "./src/spawner/run_server.ts";
import { WORKER_PROGRAM } from "./src/spawner/worker_program.ts";

if (import.meta.main) {
  await runServer(
    Deno.args,
    (config) => new StoredBundle(WORKER_PROGRAM, config),
  );
}
