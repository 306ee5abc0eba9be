import { findConfig } from "../util/find_config.ts";
import { Agent } from "./agent.ts";
import { logLine } from "./command_line.ts";
import type { ProgramBundle } from "./program_bundle.ts";
import { AGENT_HELP, readAgentArgs } from "./read_agent_args.ts";
import { Reaper } from "./reaper.ts";
import type { AgentSettings } from "./agent_settings.ts";

/** How the workers of an agent are started. */
export interface AgentWorkers {
  /** The program of a worker: a URL or a path. */
  readonly program: string;
  /**
   * Returns the bundle of that program with the configuration that resolves
   * imports; by default, the program itself is one file.
   */
  readonly bundleOf?: (
    config: string | undefined,
  ) => Pick<ProgramBundle, "find">;
}

/**
 * Runs an agent as a program until it has left its pool, or the pool has ended.
 * The exit code is 0 then. It is 1 if the agent couldn't join the pool or ended
 * before the pool let it go, and 2 if the arguments are wrong.
 *
 * @param args The arguments on the command line.
 */
export async function runAgent(
  args: string[],
  workers: AgentWorkers,
): Promise<never> {
  let settings: AgentSettings | undefined;
  try {
    settings = await readAgentArgs(args);
  } catch (error) {
    return fail(error, 2);
  }
  if (settings === undefined) {
    console.log(AGENT_HELP.trimEnd());
    return Deno.exit(0);
  }
  const { program, bundleOf } = workers;
  const config = bundleOf === undefined
    ? undefined
    : findConfig(Deno.mainModule);
  const reaper = makeReaper();
  const agent = new Agent(settings, {
    program,
    bundle: bundleOf?.(config),
    config,
    reaper,
    log: logLine,
  });
  listenForSignals(agent, settings.group);
  try {
    logLine(await agent.run());
  } catch (error) {
    await reaper?.close();
    return fail(error, 1);
  }
  await reaper?.close();
  return Deno.exit(0);
}

/** Returns a reaper, unless this system has no shell, as some containers. */
function makeReaper(): Reaper | undefined {
  if (!Reaper.isSupported) return undefined;
  try {
    return new Reaper(undefined);
  } catch (error) {
    if (!((error as Error).cause instanceof Deno.errors.NotFound)) throw error;
    logLine("without 'sh', workers may outlive this program if it is killed");
    return undefined;
  }
}

/** Leaves the pool on the first signal, and ends at once on the second. */
function listenForSignals(agent: Agent, group: number): void {
  let left = false;
  const stop = (signal: Deno.Signal) => {
    if (left) return agent.end(`it got ${signal} again`);
    left = true;
    agent.leave(`it got ${signal}`);
  };
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", () => stop("SIGTERM"));
  }
  // Ctrl-C reaches the whole process group. If the pool has started this agent,
  // only the pool's program decides when it ends.
  Deno.addSignalListener("SIGINT", () => {
    if (group === 0) stop("SIGINT");
  });
}

function fail(error: unknown, code: number): never {
  console.error(`worker.ts: ${error instanceof Error ? error.message : error}`);
  return Deno.exit(code);
}
