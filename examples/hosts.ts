/**
 * Asks all workers of a pool for their process ids: four on this machine, and
 * those on other machines, by ssh or from spawner servers.
 *
 * Run it with `deno run -A examples/hosts.ts ssh://me@maxi:10022/8 mini/2`. If
 * the spawner servers have a token, set it as POOL_TOKEN.
 *
 * @module
 */

import { Pool } from "@distex/pool";

const token = Deno.env.get("POOL_TOKEN");

await using pool = new Pool({
  workers: 4,
  hosts: Deno.args,
  ...(token === undefined ? {} : { token }),
});
await pool.ready;
for (const { name, kind } of pool.stats().hosts) {
  const pids = await pool.with({ host: name }).runOnAll(() => Deno.pid);
  const list = pids.join(", ");
  console.log(`${name} (${kind}) has ${pids.length} workers: pids ${list}`);
}
