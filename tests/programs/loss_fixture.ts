/**
 * What the tests of losses have in common, and the tasks that cause them.
 *
 * @module
 */

import { assert } from "@std/assert";
import { delay } from "@std/async/delay";
import { type Pool, WorkerLostError } from "../../mod.ts";

/** How long what must happen at some time may take, in milliseconds. */
const TIMEOUT = 60_000;

/** Waits for what happens without a sign. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + TIMEOUT;
  while (!condition()) {
    assert(performance.now() < end, `It takes too long: ${condition}`);
    await delay(1);
  }
}

/** Waits until all of a pool's workers are there, lost ones replaced. */
export async function complete(pool: Pool): Promise<void> {
  await until(() => pool.stats().workers === pool.totalWorkers);
}

/** Whether a process hasn't ended; one that is only not buried yet has. */
export function isAlive(pid: number): boolean {
  if (Deno.build.os !== "linux") {
    const command = new Deno.Command("kill", { args: ["-0", String(pid)] });
    return command.outputSync().success;
  }
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** Ends a process at once, if it hasn't ended. */
export function killNow(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
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

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
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
