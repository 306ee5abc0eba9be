/**
 * Makes a pool with a spawner server, that is never shut down, and has nothing
 * more to do when the server is there, or once it is lost.
 */

import { Pool } from "../../mod.ts";
import { until } from "../helpers/processes.ts";

const [when, host, pid] = Deno.args;
const pool = new Pool({ workers: 0, hosts: host! });
await pool.run(() => 1);
if (when === "lost") {
  Deno.kill(Number(pid), "SIGKILL");
  await until(() => pool.stats().hosts[0]!.error !== undefined);
}
