// Runs agents until it is killed; prints the ids of their processes.

import { Pool } from "../../mod.ts";

const pool = new Pool({
  workers: 0,
  listen: { hostname: "127.0.0.1" },
  hosts: { launch: ["{command}"], workers: 2, folder: Deno.args[0]! },
});
while (pool.stats().workers < 2) {
  await new Promise((resolve) => setTimeout(resolve, 2));
}
const pids = await pool.runOnAll(() => [Deno.pid, Deno.ppid]);
console.log(JSON.stringify(pids));
await pool.run(() => new Promise((resolve) => setTimeout(resolve, 1e9)));
