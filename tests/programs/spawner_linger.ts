/**
 * Creates a pool on the spawner server in its first argument, prints its
 * workers, and keeps each of them busy forever.
 */

import { Pool } from "../../mod.ts";

const [spec, port] = Deno.args;
const pool = new Pool(0, spec!);
const pids = await pool.runOnAll(() => Deno.pid);
console.log(JSON.stringify(pids));
await pool.runOnAll(async (port: number) => {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  while (connection !== null);
}, Number(port));
