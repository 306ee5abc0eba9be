/**
 * Makes a pool of the host in its second argument, with the environment
 * variables in its first one, as JSON, of which its own `deno` knows nothing.
 */

import { Pool } from "../../mod.ts";

const [env, host] = Deno.args;
for (const [name, value] of Object.entries<string>(JSON.parse(env!))) {
  Deno.env.set(name, value);
}
await new Pool({ hosts: host! }).ready;
