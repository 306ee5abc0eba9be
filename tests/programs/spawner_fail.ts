/** Prints why a pool can't start on the host in its argument. */

import { Pool } from "../../mod.ts";

const [host, tls] = Deno.args;
const pool = new Pool({
  workers: 0,
  hosts: { host: host!, tls: tls === "tls" },
  startTimeout: 300,
});
pool.ready.catch((error) => console.log(error.message));
