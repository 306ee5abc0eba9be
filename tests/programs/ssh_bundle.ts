/**
 * Makes a pool of the host in its second argument, with the environment
 * variables in its first one, as JSON, of which its own `deno` knows nothing.
 * Meanwhile it says again what it is told.
 */

import { Pool } from "../../mod.ts";

const [env, host] = Deno.args;
for (const [name, value] of Object.entries<string>(JSON.parse(env!))) {
  Deno.env.set(name, value);
}
const pool = new Pool({ workers: 0, hosts: host! });
Deno.stdin.readable.pipeTo(Deno.stdout.writable);
await pool.ready;
