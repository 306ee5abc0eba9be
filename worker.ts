/**
 * Starts workers on this machine for a pool that runs elsewhere:
 * `deno run -A jsr:@distex/pool/worker --connect host:port --token-file token`
 *
 * The pool needs the options `listen.port` and `listen.token`. `--help` prints
 * all options.
 *
 * With `--worker`, it is a worker process itself, as a pool starts it.
 *
 * @module
 */

import { isWorker, runWorker } from "./src/worker/run_worker.ts";

if (import.meta.main) {
  if (isWorker(Deno.args)) await runWorker(Deno.args);
  const [{ StoredBundle }, { runAgent }, { WORKER_PROGRAM }] = await Promise
    .all([
      import("./src/bundle/stored_bundle.ts"),
      import("./src/spawner/run_agent.ts"),
      import("./src/spawner/worker_program.ts"),
    ]);
  await runAgent(Deno.args, {
    program: WORKER_PROGRAM,
    bundleOf: (config) => new StoredBundle(WORKER_PROGRAM, config),
  });
}
