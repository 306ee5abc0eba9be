/** The program that a worker runs where this package is installed. */
export const WORKER_PROGRAM =
  new URL("../worker/worker_program.ts", import.meta.url).href;

/**
 * The program of an agent, which also runs its workers. It must be bundled into
 * one file.
 */
export const AGENT_PROGRAM =
  new URL("./agent_program.ts", import.meta.url).href;

/**
 * Never called. The literal import() makes the worker's program part of the
 * program's module graph, so Deno caches it with the program, and locks its
 * imports.
 */
export function includeWorker(): Promise<unknown> {
  return import("../worker/worker_program.ts");
}
