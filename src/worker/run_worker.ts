import { parseAddress } from "../transport/address.ts";
import { IN_JOB } from "./in_job.ts";
import { MAX_MEMORY, MaxMemory } from "./max_memory.ts";
import { logError } from "./primordials.ts";
import { serve } from "./serve.ts";

/** The size of the pieces in which standard input is read, in bytes. */
const INPUT_BYTES = 4_096;

/** Returns whether these are the arguments of a worker. */
export function isWorker(args: readonly string[]): boolean {
  return args.includes("--worker");
}

/**
 * Runs a worker process: connects to the pool that started it, runs tasks, and
 * ends the process when the connection ends.
 *
 * @param args The command line's arguments. The first line of standard input is
 * the pool's secret in hexadecimal; the rest is the pool's certificate, if any.
 */
export async function runWorker(args: string[]): Promise<never> {
  try {
    const address = valueOf(args, "--connect");
    const worker = valueOf(args, "--worker");
    if (address === undefined || worker === undefined) {
      throw new Error(
        "Only a pool starts workers: make one with new Pool()",
      );
    }
    surviveUncaughtErrors();
    // Ctrl-C reaches the whole process group, but only the pool's program decides
    // when workers end.
    Deno.addSignalListener("SIGINT", () => {});
    if (args.includes(IN_JOB) && Deno.build.os !== "windows") {
      Deno.addSignalListener("SIGTERM", () => {});
    }
    const maxMemory = valueOf(args, MAX_MEMORY);
    const memory = maxMemory === undefined
      ? undefined
      : new MaxMemory(Number(maxMemory));
    const [secret, ...certificate] = readInput().split("\n");
    await serve({
      address: parseAddress(address),
      worker: Number(worker),
      secret: Uint8Array.fromHex(secret!),
      certificate: certificate.join("\n"),
      memory,
    });
    return Deno.exit(0);
  } catch (error) {
    console.error(
      `distex worker: ${error instanceof Error ? error.message : error}`,
    );
    return Deno.exit(1);
  }
}

/** Returns the argument that follows an option; `parseArgs()` takes 1 ms. */
function valueOf(args: readonly string[], option: string): string | undefined {
  const at = args.indexOf(option);
  return at < 0 ? undefined : args[at + 1];
}

/**
 * Reads standard input to its end, which the pool writes at once. A stream takes
 * 4 ms to load, and other reads start a thread.
 */
function readInput(): string {
  const buffer = new Uint8Array(INPUT_BYTES);
  const decoder = new TextDecoder();
  let text = "";
  for (let count; (count = Deno.stdin.readSync(buffer)) !== null;) {
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text;
}

/**
 * Logs errors in timers and promises that a task left behind. Without this they
 * would end the worker, which other tasks need.
 */
function surviveUncaughtErrors(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    logError("Uncaught (in a promise that a task left behind)", event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    logError("Uncaught (after a task)", event.error);
  });
}
