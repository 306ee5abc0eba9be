/**
 * The program of a worker. A pool, or its spawner on another machine, starts it
 * as `deno run worker_program.ts --connect <address> --worker <number>`, and
 * writes the pool's secret, in hexadecimal, to its standard input. The worker
 * connects back, runs tasks, and exits when the connection ends.
 *
 * @module
 */

import { runWorker } from "./run_worker.ts";

if (import.meta.main) await runWorker(Deno.args);
