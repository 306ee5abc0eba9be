/**
 * Runs the programs in `examples/` as users do: in processes of their own.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type Outcome, runProgram } from "./run_program.ts";

/** Returns the arguments with which `deno` runs an example. */
export function denoArgs(name: string, ...args: string[]): string[] {
  const { href } = new URL(`../../examples/${name}`, import.meta.url);
  return ["run", "-A", "--quiet", href, ...args];
}

/** Runs an example. */
export function runExample(name: string, ...args: string[]): Promise<Outcome> {
  return runProgram(Deno.execPath(), denoArgs(name, ...args));
}

/** Runs an example, which must succeed, and returns the lines that it prints. */
export async function linesOf(
  name: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<string[]> {
  const { code, stdout, stderr } = await runProgram(
    Deno.execPath(),
    denoArgs(name, ...args),
    { NO_COLOR: "1", ...env },
  );
  assertEquals(stderr, "");
  assertEquals(code, 0);
  return stdout.trimEnd().split("\n");
}
