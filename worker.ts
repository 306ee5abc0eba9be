/**
 * A worker process. A pool starts it as
 * `deno run worker.ts --connect <address> --worker <number>`, and writes the
 * pool's secret, in hexadecimal, to its standard input. The worker connects
 * back, runs tasks, and exits when the connection ends.
 *
 * @module
 */

import { runWorker } from "./src/worker/run_worker.ts";

if (import.meta.main) await runWorker(Deno.args);
