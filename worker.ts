/**
 * A worker process. A pool starts it as
 * `deno run worker.ts --connect <address> --worker <number>` and writes the
 * pool's secret, in hexadecimal, to its standard input; it connects back,
 * serves tasks, and ends when the connection does.
 *
 * @module
 */

import { runWorker } from "./src/worker/run_worker.ts";

if (import.meta.main) await runWorker(Deno.args);
