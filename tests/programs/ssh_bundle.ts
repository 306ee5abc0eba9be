/**
 * Creates a pool with the host in its second argument. The environment
 * variables in its first argument, as JSON, are hidden from its own `deno`.
 * Meanwhile, the program echoes what it gets from the port in its third argument.
 */

import { Pool } from "../../mod.ts";

const [env, host, port] = Deno.args;
for (const [name, value] of Object.entries<string>(JSON.parse(env!))) {
  Deno.env.set(name, value);
}
const { readable, writable } = await Deno.connect({
  hostname: "127.0.0.1",
  port: Number(port),
});
const pool = new Pool({ workers: 0, hosts: host! });
readable.pipeTo(writable);
await pool.ready;
