/**
 * A program in a single file: the pool and its tasks are in the same module.
 * The argument is the host.
 *
 * @module
 */

import { importTasks, Pool } from "../../mod.ts";

/** A task. */
export function double(x: number): number {
  return 2 * x;
}

if (import.meta.main) {
  const tasks = importTasks<typeof import("./single_file.ts")>(import.meta.url);
  await using pool = new Pool({ workers: 0, hosts: Deno.args[0]! });
  console.log((await pool.map(tasks.double, [1, 2]).toArray()).join());
}
