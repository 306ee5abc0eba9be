/**
 * Helpers and tasks for tests of lost workers.
 *
 * @module
 */

import { type Pool, WorkerLostError } from "../../mod.ts";
import { exists, isAlive, until } from "../helpers/processes.ts";

/** Waits until a pool has all its workers, with lost ones replaced. */
export async function complete(pool: Pool): Promise<void> {
  await until(() => pool.stats().workers === pool.totalWorkers);
}

/** A task: returns its worker's process id and the pool's address. */
export const look = () => ({ pid: Deno.pid, address: Deno.args[1]! });

/**
 * Waits until workers, as reported by {@linkcode look}, and the folders of
 * their pools are gone.
 */
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
  /** The folder's path. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "test-loss-" });

  /** Returns the path of a file in the folder. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Returns the lines of a file in the folder; none if it doesn't exist. */
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

/** Returns the error of a call whose worker was lost. */
export async function lossOf(call: Promise<unknown>): Promise<WorkerLostError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof WorkerLostError) return error;
    throw error;
  }
  throw new Error("The call's worker wasn't lost");
}

/** A task: appends a line to a file, in one write. */
export function note(path: string, line: string): void {
  const data = new TextEncoder().encode(`${line}\n`);
  Deno.writeFileSync(path, data, { append: true });
}

/** A task: doubles a number, or exits its worker if the number is poisonous. */
export function doubleUnless(poison: readonly number[], x: number): number {
  if (poison.includes(x)) Deno.exit(5);
  return x * 2;
}
