import { HostError } from "../../errors/host_error.ts";
import type { TemplateSettings } from "../../options/template_options.ts";
import type {
  AgentState,
  Launcher,
  LauncherKind,
  LaunchPlan,
  LaunchRequest,
} from "../launch/launcher.ts";
import { planFiles } from "../launch/plan_files.ts";
import { type CommandOutcome, runCommand } from "../launch/run_command.ts";
import { expandTemplate, type TemplateValues } from "./expand_template.ts";
import { LaunchProcess } from "./launch_process.ts";
import { quoteForShell } from "../launch/quote_for_shell.ts";
import { readState } from "./read_state.ts";

/** How many commands run at the same time. */
const MAX_COMMANDS = 8;

/** An agent that was asked for. */
interface Agent {
  readonly process: LaunchProcess;
  readonly values: TemplateValues;
}

/** Starts each agent by a command that the user gives. */
export class TemplateLauncher implements Launcher {
  readonly kind: LauncherKind;
  readonly folder: string;
  readonly sharesFiles = true;

  readonly #settings: TemplateSettings;
  readonly #agents = new Map<string, Agent>();

  /**
   * Constructs a launcher that does nothing yet.
   *
   * @param folder The folder of the files, which agents can read.
   * @param kind The kind of the host.
   */
  constructor(
    settings: TemplateSettings,
    folder: string,
    kind: LauncherKind = "launch",
  ) {
    this.#settings = settings;
    this.folder = folder;
    this.kind = kind;
  }

  /** Returns the template for the agents of a request. */
  protected templateOf(_request: LaunchRequest): readonly string[] {
    return this.#settings.launch;
  }

  plan(request: LaunchRequest): LaunchPlan {
    const hasEnv = Object.keys(request.env).length > 0;
    const template = this.templateOf(request);
    return {
      files: planFiles(this.folder, request.files),
      commands: this.#valuesOf(request).map((values) => ({
        args: expandTemplate(template, values),
        ...(hasEnv ? { env: request.env } : {}),
      })),
    };
  }

  async submit(
    request: LaunchRequest,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    signal.throwIfAborted();
    const all = this.#valuesOf(request);
    const ids = all.map(({ job }) => job);
    const template = this.templateOf(request);
    try {
      for (const values of all) {
        const args = expandTemplate(template, values);
        const process = new LaunchProcess(args, request.env);
        this.#agents.set(values.job, { process, values });
      }
    } catch (cause) {
      await this.cancel(ids);
      throw this.#notRun("launch", cause);
    }
    return ids;
  }

  async query(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, AgentState>> {
    const states = new Map<string, AgentState>();
    await eachOf(ids, async (id) => {
      const agent = this.#agents.get(id);
      if (agent === undefined) return;
      states.set(id, await this.#stateOf(agent, signal));
    });
    return states;
  }

  async cancel(ids: readonly string[]): Promise<void> {
    await eachOf(ids, async (id) => {
      const agent = this.#agents.get(id);
      if (agent === undefined) return;
      await this.#end(agent);
      this.#agents.delete(id);
    });
  }

  cancelCommand(ids: readonly string[]): readonly string[] {
    const { end } = this.#settings;
    const groups: string[] = [];
    const lines: string[] = [];
    for (const id of ids) {
      const agent = this.#agents.get(id);
      if (agent === undefined) continue;
      const { process: { pid, status }, values } = agent;
      if (end !== undefined) {
        lines.push(expandTemplate(end, values).map(quoteForShell).join(" "));
      }
      if (status === undefined) groups.push(`-${pid}`);
    }
    // They may have ended because of the other commands.
    if (groups.length > 0) {
      lines.push(`kill -s TERM -- ${groups.join(" ")} 2>/dev/null || :`);
    }
    return ["sh", "-c", lines.join("\n")];
  }

  /** Waits until the processes of agents have ended that did so by themselves. */
  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(agents.map(({ process }) => process.end()));
  }

  async output(id: string): Promise<string> {
    return await this.#agents.get(id)?.process.output() ?? "";
  }

  #valuesOf(
    { name, agents, workersPerAgent, command }: LaunchRequest,
  ): TemplateValues[] {
    return Array.from({ length: agents }, (_, index) => {
      const job = `${name}-${index}`;
      return {
        command: [...command, "--job", job],
        name,
        job,
        workers: String(workersPerAgent),
        folder: this.folder,
      };
    });
  }

  async #stateOf(
    { process: { status }, values }: Agent,
    signal: AbortSignal,
  ): Promise<AgentState> {
    const { query, isForeground } = this.#settings;
    if (status !== undefined && !status.success) {
      return { state: "ended", reason: describe(status) };
    }
    if (query !== undefined) {
      return readState(await this.#run("query", values, signal));
    }
    // A command that has succeeded has started the agent in the background,
    // unless the command was the agent.
    return status !== undefined && isForeground
      ? { state: "ended", reason: describe(status) }
      : { state: "running", reason: "" };
  }

  async #end({ process, values }: Agent): Promise<void> {
    const mayBeStarting = process.status === undefined;
    try {
      // An agent that has ended can't be ended again, so the exit code has no
      // meaning.
      await this.#run("end", values);
    } finally {
      await process.end();
    }
    // The agent may have been started after it was to be ended.
    if (mayBeStarting) await this.#run("end", values);
  }

  /** Runs a command of the settings, if there is one. */
  async #run(
    option: "end" | "query",
    values: TemplateValues,
    signal?: AbortSignal,
  ): Promise<CommandOutcome> {
    const template = this.#settings[option];
    if (template === undefined) return { code: 0, stdout: "", stderr: "" };
    try {
      const args = expandTemplate(template, values);
      return await runCommand(args, signal === undefined ? {} : { signal });
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#notRun(option, cause);
    }
  }

  #notRun(option: "launch" | "end" | "query", cause: unknown): HostError {
    const { name, [option]: [program] = [] } = this.#settings;
    return new HostError(
      name,
      "launcher",
      `Can't use the host ${name}: its option '${option}' runs the program '${program}', which can't be run (${cause})`,
      { cause },
    );
  }
}

function describe({ code, signal }: Deno.CommandStatus): string {
  return signal === null ? `exit code ${code}` : signal;
}

/** Calls a function for each agent, a few at a time. */
async function eachOf(
  ids: readonly string[],
  callback: (id: string) => Promise<void>,
): Promise<void> {
  const left = ids.values();
  await Promise.all(Array.from({ length: MAX_COMMANDS }, async () => {
    for (const id of left) await callback(id);
  }));
}
