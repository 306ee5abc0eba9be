/**
 * A worker process. A pool starts it as
 * `deno run worker.ts --connect <address> --worker <number>` and writes the
 * pool's secret, in hexadecimal, to its standard input; it connects back,
 * serves tasks, and ends when the connection does.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { parseAddress } from "./src/wire/address.ts";
import { serve } from "./src/worker/serve.ts";

async function main(): Promise<void> {
  const flags = parseArgs(Deno.args, { string: ["connect", "worker"] });
  if (flags.connect === undefined || flags.worker === undefined) {
    throw new Error(
      "A worker is started by a pool: make one with new Pool()",
    );
  }
  // Ctrl-C goes to the whole group of processes; what becomes of the workers
  // then is up to the program that owns the pool.
  Deno.addSignalListener("SIGINT", () => {});
  const secret = await new Response(Deno.stdin.readable).text();
  await serve({
    address: parseAddress(flags.connect),
    worker: Number(flags.worker),
    secret: Uint8Array.fromHex(secret.trim()),
  });
}

if (import.meta.main) {
  try {
    await main();
    Deno.exit(0);
  } catch (error) {
    console.error(
      `distex worker: ${error instanceof Error ? error.message : error}`,
    );
    Deno.exit(1);
  }
}
