/**
 * Squares a hundred numbers in two processes on another machine, which a
 * spawner server starts.
 *
 * Make a token and start the server there:
 *
 * ```sh
 * openssl rand -hex 32 > token
 * deno run -A jsr:@distex/pool/server --host 0.0.0.0 --token-file token
 * ```
 *
 * Then run this program with the same token:
 *
 * ```sh
 * POOL_TOKEN=$(cat token) deno run -A examples/spawner_server.ts mini/2
 * ```
 *
 * @module
 */

import { Pool } from "@distex/pool";

const square = (x: number) => x * x;

const [host = "mini/2"] = Deno.args;
await using pool = new Pool(0, host, { token: Deno.env.get("POOL_TOKEN")! });
for await (const y of pool.map(square, Array(100).keys())) console.log(y);
