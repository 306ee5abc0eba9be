import { parseArgs } from "@std/cli/parse-args";
import { parseAddress } from "../transport/address.ts";
import { logError } from "./primordials.ts";
import { serve } from "./serve.ts";

/**
 * Runs a worker process: connects back to the pool that has started it, serves
 * tasks, and ends the process when the connection ends.
 *
 * @param args The arguments on the command line. The pool's secret, in
 * hexadecimal, is the first line of standard input; what follows is the pool's
 * certificate, if it is to have one.
 */
export async function runWorker(args: string[]): Promise<never> {
  try {
    const flags = parseArgs(args, { string: ["connect", "worker"] });
    if (flags.connect === undefined || flags.worker === undefined) {
      throw new Error(
        "A worker is started by a pool: make one with new Pool()",
      );
    }
    surviveUncaughtErrors();
    // Ctrl-C goes to the whole group of processes; what becomes of the workers
    // then is up to the program that owns the pool.
    Deno.addSignalListener("SIGINT", () => {});
    const input = await new Response(Deno.stdin.readable).text();
    const [secret, ...certificate] = input.split("\n");
    await serve({
      address: parseAddress(flags.connect),
      worker: Number(flags.worker),
      secret: Uint8Array.fromHex(secret!),
      certificate: certificate.join("\n"),
    });
    return Deno.exit(0);
  } catch (error) {
    console.error(
      `distex worker: ${error instanceof Error ? error.message : error}`,
    );
    return Deno.exit(1);
  }
}

/**
 * What goes wrong after a task has returned, in a timer or a promise that it
 * left behind, is said but isn't to cost other tasks their worker.
 */
function surviveUncaughtErrors(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    logError("Uncaught (in a promise that a task left)", event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    logError("Uncaught (after a task)", event.error);
  });
}
