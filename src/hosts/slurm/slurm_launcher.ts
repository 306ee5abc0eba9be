import type { SlurmSettings } from "../../options/slurm_options.ts";
import type {
  AgentState,
  Launcher,
  LaunchPlan,
  LaunchRequest,
} from "../launch/launcher.ts";
import { BatchCommands } from "../launch/batch_commands.ts";
import { planFiles } from "../launch/plan_files.ts";
import { formatTasks } from "./array_tasks.ts";
import { readOutput } from "../launch/read_output.ts";
import type { CommandOutcome } from "../launch/run_command.ts";
import { readStates, STATE_FORMAT } from "./read_states.ts";
import { arrayCommand, jobCommand } from "./slurm_scripts.ts";
import { readTaskExits } from "./task_exits.ts";

/** The output of `sbatch --parsable`: the job, and the cluster if it is another. */
const SUBMITTED = /^(\d+)(?:;(\S+))?$/m;

/** A job, or an array of jobs, that was submitted. */
interface Job {
  /** The name of the request, which is unique. */
  readonly name: string;
  /** The ids of its agents that weren't cancelled, and may still run. */
  readonly agents: Set<string>;
}

/** Starts agents in jobs that it submits to Slurm. */
export class SlurmLauncher implements Launcher {
  readonly kind = "slurm";
  readonly folder: string;
  readonly sharesFiles = true;

  readonly #settings: SlurmSettings;
  readonly #commands: BatchCommands;
  readonly #jobs = new Map<string, Job>();
  /** Arguments that name the cluster, if it isn't the default. */
  #cluster: readonly string[] = [];

  /**
   * Constructs a launcher that does nothing yet.
   *
   * @param folder The folder of the files, which the cluster's machines share.
   */
  constructor(settings: SlurmSettings, folder: string) {
    this.#settings = settings;
    this.#commands = new BatchCommands(settings.name, "Slurm");
    this.folder = folder;
  }

  plan(request: LaunchRequest): LaunchPlan {
    const makeCommand = this.#settings.array ? arrayCommand : jobCommand;
    return {
      files: planFiles(this.folder, request.files),
      commands: [makeCommand(this.#settings, request, this.folder)],
    };
  }

  async submit(
    request: LaunchRequest,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    signal.throwIfAborted();
    const { name, agents } = request;
    const { args, input = "" } = this.plan(request).commands[0]!;
    const outcome = await this.#submit(name, args, input, signal);
    const [, job, cluster] = outcome.stdout.match(SUBMITTED) ?? [];
    if (job === undefined) {
      await this.#cancelRequest(name);
      throw this.#commands.failed(args, outcome);
    }
    const separator = this.#settings.array ? "_" : ".";
    const ids = Array.from(
      { length: agents },
      (_, index) => `${job}${separator}${index}`,
    );
    this.#jobs.set(job, { name, agents: new Set(ids) });
    if (cluster !== undefined) this.#cluster = [`--clusters=${cluster}`];
    if (!signal.aborted) return ids;
    await this.cancel(ids);
    throw signal.reason;
  }

  async query(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, AgentState>> {
    const { array } = this.#settings;
    const jobs = await this.#queryJobs(ids, signal);
    const exits = array ? undefined : await readTaskExits(this.folder);
    const states = new Map<string, AgentState>();
    for (const id of ids) {
      const state = jobs.get(array ? id : jobOf(id));
      const exit = exits?.get(id);
      if (state?.state === "running" && exit !== undefined) {
        // The job must end with the others.
        this.#jobs.get(jobOf(id))?.agents.delete(id);
        states.set(id, { state: "ended", reason: `exit code ${exit}` });
      } else if (state !== undefined) states.set(id, state);
    }
    return states;
  }

  async cancel(ids: readonly string[]): Promise<void> {
    const ended = this.#remove(ids);
    if (ended.length === 0) return;
    const args = this.cancelCommand(ended);
    const outcome = await this.#commands.try(args);
    if (outcome.code === 0) return;
    // It may fail for agents that have ended.
    const states = await this.query(ended, new AbortController().signal)
      .catch(() => undefined);
    const areEnded = states?.values().every(({ state }) => state === "ended");
    if (!areEnded) throw this.#commands.failed(args, outcome);
  }

  cancelCommand(ids: readonly string[]): readonly string[] {
    const jobs = this.#settings.array ? ids : ids.map(jobOf);
    return ["scancel", "--quiet", ...this.#cluster, ...formatTasks(jobs)];
  }

  cancelRequestCommand(name: string): readonly string[] {
    // `sbatch` may outlive the program for a moment.
    const cancel = `scancel --quiet --name=${name}; sleep 1`;
    return ["sh", "-c", `for second in 1 2 3 4 5; do ${cancel}; done`];
  }

  async output(id: string): Promise<string> {
    const { folder } = this;
    const own = await readOutput(`${folder}/${id}.out`);
    // The job's own output shows why its tasks weren't started.
    return own === "" ? await readOutput(`${folder}/${jobOf(id)}.out`) : own;
  }

  /**
   * Removes agents from their jobs.
   *
   * @returns The agents that can be cancelled: all tasks of one job end together.
   */
  #remove(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => {
      const agents = this.#jobs.get(jobOf(id))?.agents;
      agents?.delete(id);
      return this.#settings.array || agents?.size === 0;
    });
  }

  async #queryJobs(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, AgentState>> {
    const names = new Set(
      ids.map((id) => this.#jobs.get(jobOf(id))?.name)
        .filter((name) => name !== undefined),
    );
    if (names.size === 0) return new Map();
    // A filter by ids would fail for a job that Slurm has forgotten.
    const output = await this.#commands.run([
      "squeue",
      ...this.#cluster,
      "--noheader",
      "--array",
      "--me",
      "--states=all",
      `--name=${[...names].join()}`,
      `--format=${STATE_FORMAT}`,
    ], { signal });
    return readStates(output);
  }

  async #submit(
    name: string,
    args: readonly string[],
    input: string,
    signal: AbortSignal,
  ): Promise<CommandOutcome> {
    let outcome;
    try {
      outcome = await this.#commands.submit(args, input, signal);
    } catch (error) {
      if (signal.aborted) await this.#cancelRequest(name);
      throw error;
    }
    if (outcome.code === 0) return outcome;
    throw this.#commands.failed(args, outcome);
  }

  /** Cancels what Slurm may have of a request whose ids aren't known. */
  async #cancelRequest(name: string): Promise<void> {
    await this.#commands.try(["scancel", "--quiet", `--name=${name}`]);
  }
}

/** Returns the job of an agent. */
function jobOf(id: string): string {
  return id.split(/[_.]/, 1)[0]!;
}
