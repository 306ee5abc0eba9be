/**
 * What the tests of losses have in common, and the tasks that cause them.
 *
 * @module
 */

import { type Pool, WorkerLostError } from "../../mod.ts";
import { exists, isAlive, until } from "../helpers/processes.ts";

/** Waits until all of a pool's workers are there, lost ones replaced. */
export async function complete(pool: Pool): Promise<void> {
  await until(() => pool.stats().workers === pool.totalWorkers);
}

/** Where the workers of this process's pools connect to. */
export const look = () => ({ pid: Deno.pid, address: Deno.args[1]! });

/** Waits until a worker, as it was seen by {@linkcode look}, and its pool's folder are gone. */
export async function vanished(
  ...workers: { pid: number; address: string }[]
): Promise<void> {
  for (const { pid, address } of workers) {
    await until(() => !isAlive(pid));
    const folder = address.replace(/^unix:/, "").replace(/\/[^/]+$/, "");
    await until(() => !exists(folder));
  }
}

/** A folder for a test's files. */
export class TestFolder implements AsyncDisposable {
  /** Where it is. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "test-loss-" });

  /** A file in it. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** The lines of a file in it; none if there is no such file. */
  lines(name: string): string[] {
    try {
      return Deno.readTextFileSync(this.file(name)).split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** The error of a call that its worker didn't survive. */
export async function lossOf(call: Promise<unknown>): Promise<WorkerLostError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof WorkerLostError) return error;
    throw error;
  }
  throw new Error("The call's worker has survived it");
}

/** A task: adds a line to a file, at once. */
export function note(path: string, line: string): void {
  const data = new TextEncoder().encode(`${line}\n`);
  Deno.writeFileSync(path, data, { append: true });
}

/** A task: ends its worker with one item, and doubles the others. */
export function doubleUnless(poison: readonly number[], x: number): number {
  if (poison.includes(x)) Deno.exit(5);
  return x * 2;
}
