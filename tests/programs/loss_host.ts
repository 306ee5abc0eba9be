/**
 * Creates a pool that uses a spawner server, without shutting it down. The
 * program becomes idle after the first call, or after the server is lost.
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
