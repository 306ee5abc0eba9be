/** The program that a worker runs where this package is installed. */
export const WORKER_PROGRAM = new URL("../../worker.ts", import.meta.url).href;

/**
 * Never called. The literal import() makes worker.ts part of the program's
 * module graph, so Deno caches it with the program, and locks its imports.
 */
export function includeWorker(): Promise<unknown> {
  return import("../../worker.ts");
}
