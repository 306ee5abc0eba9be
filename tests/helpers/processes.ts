/**
 * Helpers for processes and files, and for waiting until a condition holds that
 * causes no event.
 *
 * @module
 */

import { assert } from "@std/assert";
import { realDelay } from "./real_timers.ts";

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

/** Waits for a condition that causes no event. */
export async function until(
  condition: () => boolean,
  problem = `It takes too long: ${condition}`,
): Promise<void> {
  const end = performance.now() + TIMEOUT;
  while (!condition()) {
    assert(performance.now() < end, problem);
    await realDelay(2);
  }
}

/** Whether a process is running; a zombie isn't. */
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

/** Waits until a process has ended. */
export async function gone(pid: number): Promise<void> {
  await until(() => !isAlive(pid), `Process ${pid} is still there`);
}

/** Kills processes; fails if there is none. */
export function killAll(pids: readonly number[]): void {
  assert(pids.length > 0, "There is no process to kill");
  Deno.kill(pids[0]!, "SIGKILL");
  // The others may end because of that.
  pids.slice(1).forEach(killNow);
}

/** Kills a process, if it is running. */
export function killNow(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether a path exists. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
