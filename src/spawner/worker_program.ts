/** The program that a worker runs where this package is installed. */
export const WORKER_PROGRAM = new URL("../../worker.ts", import.meta.url).href;

/**
 * Never called: a literal import() makes worker.ts part of the program's module
 * graph, so Deno caches it, and locks what it imports, with the program.
 */
export function includeWorker(): Promise<unknown> {
  return import("../../worker.ts");
}
