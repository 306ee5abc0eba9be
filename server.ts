/**
 * A spawner server: starts workers on this machine for pools elsewhere.
 *
 * `deno run -A server.ts --help` tells how it is used; a pool reaches it by a
 * host spec without `ssh://`, such as `new Pool(4, "mini/2")`.
 *
 * @module
 */

import { runServer } from "./src/spawner/server_main.ts";

if (import.meta.main) await runServer(Deno.args);
