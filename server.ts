/**
 * A spawner server: starts workers on this machine for pools elsewhere.
 *
 * `deno run -A jsr:@distex/pool/server --help` tells how it is used. A pool
 * reaches it by a host spec without `ssh://`, and with its token if it has one,
 * such as `new Pool(4, "mini/2", { token: Deno.env.get("POOL_TOKEN")! })`.
 *
 * @module
 */

import { runServer } from "./src/spawner/run_server.ts";

if (import.meta.main) await runServer(Deno.args);
