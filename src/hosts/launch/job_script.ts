import type { LaunchRequest } from "./launcher.ts";
import { quoteForShell } from "./quote_for_shell.ts";

/**
 * Returns the lines of a shell script that set the environment of agents.
 */
export function environmentLines({ env }: LaunchRequest): string[] {
  return Object.entries(env).map(([name, value]) =>
    `export ${name}=${quoteForShell(value)}`
  );
}

/**
 * Returns the command line of an agent for a shell script.
 *
 * @param job The id of the agent, as an expression of the shell.
 * @param args Further arguments.
 */
export function agentCommand(
  { command }: LaunchRequest,
  job: string,
  args: readonly string[] = [],
): string {
  return [...[...command, ...args].map(quoteForShell), "--job", job].join(" ");
}
