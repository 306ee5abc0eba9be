/**
 * The program of an agent in one file, which launchers take to the machines of a
 * cluster. The agent starts the same file again for each worker.
 *
 * @module
 */

import { isWorker, runWorker } from "../worker/run_worker.ts";
import { runAgent } from "./run_agent.ts";

if (isWorker(Deno.args)) await runWorker(Deno.args);
else await runAgent(Deno.args, { program: import.meta.filename! });
