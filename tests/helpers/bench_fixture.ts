import { type Outcome, runProgram } from "./run_program.ts";

/** Runs a program of bench/, by its path in that folder, to its end. */
export function runBench(script: string, ...args: string[]): Promise<Outcome> {
  const { href } = new URL(`../../bench/${script}`, import.meta.url);
  return runProgram(Deno.execPath(), ["run", "-A", "--quiet", href, ...args]);
}
