/**
 * An agent as users start it, in its own process, which always ends with the
 * test.
 *
 * @module
 */

import {
  LoggedProcess,
  type LoggedProcessOptions,
  type ProgramEnd,
} from "./logged_process.ts";

const PROGRAM = new URL("../../worker.ts", import.meta.url).href;

/** Options of {@linkcode AgentProcess}. */
export interface AgentOptions extends LoggedProcessOptions {
  /** The token, for a file; by default, there is no file. */
  readonly token?: string;
  /** The program; `worker.ts` by default. */
  readonly program?: string;
}

/** Runs an agent until it ends by itself. */
export async function runAgent(
  args: readonly string[],
  options: AgentOptions = {},
): Promise<ProgramEnd> {
  await using agent = new AgentProcess(args, options);
  return await agent.ended();
}

/** An agent that was started. */
export class AgentProcess extends LoggedProcess {
  /** Starts an agent with these arguments. */
  constructor(args: readonly string[], options: AgentOptions = {}) {
    const { token, env = {}, program = PROGRAM, host } = options;
    const folder = Deno.makeTempDirSync({ prefix: "distex-agent-" });
    const all = [...args];
    if (token !== undefined) {
      Deno.writeTextFileSync(`${folder}/token`, token);
      all.push("--token-file", `${folder}/token`);
    }
    super("agent", program, all, folder, {
      env: { NO_COLOR: "1", ...env },
      host,
    });
  }
}
