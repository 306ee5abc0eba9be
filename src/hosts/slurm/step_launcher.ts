import type { SlurmSettings } from "../../options/slurm_options.ts";
import { pause } from "../../util/pause.ts";
import type {
  AgentState,
  Launcher,
  LaunchPlan,
  LaunchRequest,
} from "../launch/launcher.ts";
import { BatchCommands } from "../launch/batch_commands.ts";
import { planFiles } from "../launch/plan_files.ts";
import { readOutput } from "../launch/read_output.ts";
import { stepCommand } from "./slurm_scripts.ts";
import { StepProcess } from "./step_process.ts";
import { readTaskExits } from "./task_exits.ts";

/** How often to ask for a step that is being created, in milliseconds. */
const INTERVAL = 100;

/** The id of a step, such as `12.3`, and its name. */
const STEP = /^(\d+\.\d+)\|(.*)$/;

/** A step of the job, whose tasks are agents. */
interface Step {
  readonly process: StepProcess;
  /** The ids of its agents that weren't cancelled, and may still run. */
  readonly agents: Set<string>;
}

/** Starts agents in the job of Slurm in which the program runs. */
export class StepLauncher implements Launcher {
  readonly kind = "slurm";
  readonly folder: string;
  readonly sharesFiles = true;

  readonly #settings: SlurmSettings;
  readonly #commands: BatchCommands;
  readonly #steps = new Map<string, Step>();

  /**
   * Constructs a launcher that does nothing yet.
   *
   * @param folder The folder of the files, which the job's machines share.
   */
  constructor(settings: SlurmSettings, folder: string) {
    this.#settings = settings;
    this.#commands = new BatchCommands(settings.name, "Slurm");
    this.folder = folder;
  }

  plan(request: LaunchRequest): LaunchPlan {
    return {
      files: planFiles(this.folder, request.files),
      commands: [stepCommand(this.#settings, request, this.folder)],
    };
  }

  async submit(
    request: LaunchRequest,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    signal.throwIfAborted();
    const { args, env } = this.plan(request).commands[0]!;
    const process = this.#start(args, env);
    let step;
    try {
      step = await this.#findStep(request.name, process, signal);
    } catch (error) {
      await process.end();
      await this.#endStep(request.name);
      throw error;
    }
    if (step === undefined) {
      const stderr = await process.messages();
      throw this.#commands.failed(args, { code: 1, stdout: "", stderr });
    }
    const ids = Array.from(
      { length: request.agents },
      (_, index) => `${step}.${index}`,
    );
    this.#steps.set(step, { process, agents: new Set(ids) });
    return ids;
  }

  async query(
    ids: readonly string[],
    _signal: AbortSignal,
  ): Promise<ReadonlyMap<string, AgentState>> {
    const exits = await readTaskExits(this.folder);
    const states = new Map<string, AgentState>();
    for (const id of ids) {
      const step = this.#steps.get(stepOf(id));
      if (step === undefined) continue;
      const { process, agents } = step;
      const exit = exits.get(id);
      if (exit !== undefined) {
        // The step must end with the others.
        agents.delete(id);
        states.set(id, { state: "ended", reason: `exit code ${exit}` });
      } else if (process.hasEnded) {
        const messages = await process.messages();
        const reason = messages.split("\n").at(-1)!;
        states.set(id, { state: "ended", reason });
      } else states.set(id, { state: "running", reason: "" });
    }
    return states;
  }

  /** Ends a step once all of its agents are cancelled, which end together. */
  async cancel(ids: readonly string[]): Promise<void> {
    const ended = new Set<StepProcess>();
    for (const id of ids) {
      const step = this.#steps.get(stepOf(id));
      step?.agents.delete(id);
      if (step?.agents.size === 0) ended.add(step.process);
    }
    await Promise.all([...ended].map((process) => process.end()));
  }

  cancelCommand(ids: readonly string[]): readonly string[] {
    return ["scancel", "--quiet", ...new Set(ids.map(stepOf))];
  }

  async output(id: string): Promise<string> {
    return await readOutput(`${this.folder}/${id}.out`);
  }

  #start(
    args: readonly string[],
    env: Readonly<Record<string, string>> | undefined,
  ): StepProcess {
    try {
      return new StepProcess(args, env);
    } catch (cause) {
      throw this.#commands.notRun(args, cause);
    }
  }

  /** Returns the id of a step; `undefined` if it wasn't created. */
  async #findStep(
    name: string,
    process: StepProcess,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    while (true) {
      const { hasEnded } = process;
      const step = await this.#stepNamed(name, signal);
      if (step !== undefined || hasEnded) return step;
      await pause(INTERVAL, signal);
    }
  }

  async #stepNamed(
    name: string,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const job = `--jobs=${this.#settings.allocation}`;
    const args = ["squeue", "--noheader", "--steps", job, "--format=%i|%j"];
    const output = await this.#commands.run(args, signal && { signal });
    for (const line of output.split("\n")) {
      const [, step, found] = line.match(STEP) ?? [];
      if (found === name) return step;
    }
    return undefined;
  }

  /** Ends a step whose `srun` ended while Slurm was creating it, if there is one. */
  async #endStep(name: string): Promise<void> {
    try {
      const step = await this.#stepNamed(name);
      if (step !== undefined) await this.#commands.run(["scancel", step]);
    } catch {
      // The step, or all of Slurm, may be gone.
    }
  }
}

/** Returns the step of an agent. */
function stepOf(id: string): string {
  return id.slice(0, id.lastIndexOf("."));
}
