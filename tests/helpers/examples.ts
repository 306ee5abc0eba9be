/**
 * Runs the programs in `examples/` as users do: in processes of their own.
 *
 * @module
 */

import { assertEquals } from "@std/assert";

/** The output of a program, and its exit code. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program until it ends. */
export async function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = { NO_COLOR: "1" },
): Promise<Run> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    env,
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** Returns the arguments with which `deno` runs an example. */
export function denoArgs(name: string, ...args: string[]): string[] {
  const { href } = new URL(`../../examples/${name}`, import.meta.url);
  return ["run", "-A", "--quiet", href, ...args];
}

/** Runs an example. */
export function runExample(name: string, ...args: string[]): Promise<Run> {
  return run(Deno.execPath(), denoArgs(name, ...args));
}

/** Runs an example, which must succeed, and returns the lines that it prints. */
export async function linesOf(
  name: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<string[]> {
  const { code, stdout, stderr } = await run(
    Deno.execPath(),
    denoArgs(name, ...args),
    { NO_COLOR: "1", ...env },
  );
  assertEquals(stderr, "");
  assertEquals(code, 0);
  return stdout.trimEnd().split("\n");
}
