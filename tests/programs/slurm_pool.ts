/**
 * Makes a pool with the options in its first argument, as JSON. It prints on
 * which nodes its workers run, or, if the second argument is `stay`, a line when
 * a worker is in use, and stays until it is killed.
 */

import { Pool } from "../../mod.ts";

const [options, mode] = Deno.args;
await using pool = new Pool(JSON.parse(options!));
if (mode === "stay") {
  await pool.run(() => 0);
  console.log("ready");
  await pool.run(() => new Promise<void>(() => {}));
} else {
  await pool.ready;
  const all = 8;
  while (pool.stats().workers < all) await pool.run(() => 0);
  const nodes = await pool.runOnAll(() => Deno.env.get("SLURMD_NODENAME"));
  console.log(nodes.sort().join(" "));
}
