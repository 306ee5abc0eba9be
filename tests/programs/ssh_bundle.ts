/**
 * Creates a pool with the host in its second argument. The environment
 * variables in its first argument, as JSON, are hidden from its own `deno`.
 * Meanwhile, the program echoes its input.
 */

import { Pool } from "../../mod.ts";

const [env, host] = Deno.args;
for (const [name, value] of Object.entries<string>(JSON.parse(env!))) {
  Deno.env.set(name, value);
}
const pool = new Pool({ workers: 0, hosts: host! });
Deno.stdin.readable.pipeTo(Deno.stdout.writable);
await pool.ready;
