import type { PbsDialect, PbsSettings } from "../../options/pbs_options.ts";
import { BatchCommands } from "../launch/batch_commands.ts";
import type {
  AgentState,
  Launcher,
  LaunchPlan,
  LaunchRequest,
} from "../launch/launcher.ts";
import { planFiles } from "../launch/plan_files.ts";
import { readOutput } from "../launch/read_output.ts";
import type { CommandOutcome } from "../launch/run_command.ts";
import { formatJobs, parentOf, parentsOf } from "./job_list.ts";
import { DIALECT_TESTS } from "./pbs_dialect.ts";
import { scriptFile, submitCommands } from "./pbs_script.ts";
import { type JobState, readJobs } from "./read_jobs.ts";

/** The output of `qsub`: a job, or an array, and perhaps the server. */
const SUBMITTED = /^(\d+)(\[\])?(?:\.\S*)?$/m;

/**
 * The exit codes of `qstat` that mean that it has shown all jobs that it knows.
 * Those of errors are the last byte of PBS's code: a job has ended (15139), or is
 * unknown (15001).
 */
const KNOWN_SHOWN: ReadonlySet<number> = new Set([0, 35, 153]);

/** The states of jobs that wait. */
const PENDING = new Set(["H", "M", "Q", "T", "W"]);

/** The states of jobs that have begun; Slurm's `U` is any state without a letter. */
const RUNNING = {
  openpbs: new Set(["B", "E", "R", "S", "U"]),
  torque: new Set(["E", "R", "S"]),
  slurm: new Set(["E", "R", "S"]),
};

/** Starts agents in jobs that it submits by the commands of PBS. */
export class PbsLauncher implements Launcher {
  readonly kind = "pbs";
  readonly folder: string;
  readonly sharesFiles = true;

  readonly #settings: PbsSettings;
  readonly #commands: BatchCommands;
  #dialect: PbsDialect | undefined;

  /**
   * Constructs a launcher that does nothing yet.
   *
   * @param folder The folder of the files, which the cluster's machines share.
   */
  constructor(settings: PbsSettings, folder: string) {
    this.#settings = settings;
    this.#commands = new BatchCommands(settings.name, "PBS");
    this.#dialect = settings.dialect;
    this.folder = folder;
  }

  /** Without PBS on this machine, it returns the commands for OpenPBS. */
  plan(request: LaunchRequest): LaunchPlan {
    this.#dialect ??= findDialectSync();
    return this.#plan(this.#dialect ?? "openpbs", request);
  }

  async submit(
    request: LaunchRequest,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    signal.throwIfAborted();
    this.#dialect ??= await this.#findDialect(signal);
    const { files, commands } = this.#plan(this.#dialect, request);
    const { path, text, mode } = files.at(-1)!;
    await Deno.writeTextFile(path, text, { mode });
    const ids: string[] = [];
    try {
      for (const { args } of commands) {
        const outcome = await this.#commands.submit(args, undefined, signal);
        ids.push(...this.#readIds(args, outcome, request.agents));
        signal.throwIfAborted();
      }
      return ids;
    } catch (error) {
      if (ids.length > 0) await this.cancel(ids).catch(() => {});
      throw error;
    }
  }

  async query(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, AgentState>> {
    return await this.#query(ids, signal);
  }

  async cancel(ids: readonly string[]): Promise<void> {
    const args = this.cancelCommand(ids);
    const outcome = await this.#commands.try(args);
    if (outcome.code === 0) return;
    // It fails for jobs that have ended.
    const states = await this.#query(ids);
    if ([...states.values()].every(({ state }) => state === "ended")) return;
    throw this.#commands.failed(args, outcome);
  }

  cancelCommand(ids: readonly string[]): readonly string[] {
    return ["qdel", ...formatJobs(this.#dialect ?? "torque", ids)];
  }

  async output(id: string): Promise<string> {
    return await readOutput(`${this.folder}/${id}.out`);
  }

  #plan(dialect: PbsDialect, request: LaunchRequest): LaunchPlan {
    const script = scriptFile(dialect, this.#settings, request, this.folder);
    return {
      files: [...planFiles(this.folder, request.files), script],
      commands: submitCommands(dialect, this.#settings, request, script.path),
    };
  }

  async #findDialect(signal: AbortSignal): Promise<PbsDialect> {
    let outcome: CommandOutcome | undefined;
    for (const { args, read } of DIALECT_TESTS) {
      outcome = await this.#commands.try(args, { signal });
      const dialect = read(outcome);
      if (dialect !== undefined) return dialect;
    }
    const [{ args }] = DIALECT_TESTS as [typeof DIALECT_TESTS[0]];
    throw this.#commands.failed(args, {
      code: 1,
      stdout: "",
      stderr:
        "neither qstat nor qsub shows whether it belongs to OpenPBS, Torque or Slurm: set the option 'dialect'",
    });
  }

  #readIds(
    args: readonly string[],
    outcome: CommandOutcome,
    agents: number,
  ): string[] {
    const [, job, array] = outcome.stdout.match(SUBMITTED) ?? [];
    if (job === undefined || outcome.code !== 0) {
      throw this.#commands.failed(args, outcome);
    }
    if (array === undefined) return [job];
    return Array.from({ length: agents }, (_, index) => `${job}[${index + 1}]`);
  }

  async #query(
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, AgentState>> {
    const dialect = this.#dialect ?? "torque";
    const args = dialect === "slurm"
      ? ["qstat", "-f", ...ids]
      : ["qstat", "-f", "-t", ...parentsOf(ids)];
    const options = signal === undefined ? {} : { signal };
    const outcome = await this.#commands.try(args, options);
    if (!KNOWN_SHOWN.has(outcome.code)) {
      throw this.#commands.failed(args, outcome);
    }
    const jobs = readJobs(outcome.stdout);
    return new Map(ids.flatMap((id) => {
      const job = jobs.get(id);
      if (job === undefined) return [];
      return [[id, toState(dialect, job, jobs.get(parentOf(id)))]];
    }));
  }
}

function toState(
  dialect: PbsDialect,
  { letter, comment, exitStatus }: JobState,
  parent: JobState | undefined,
): AgentState {
  if (PENDING.has(letter)) {
    const reason = comment ?? parent?.comment ?? (letter === "Q" ? "" : letter);
    return { state: "pending", reason };
  }
  if (RUNNING[dialect].has(letter)) return { state: "running", reason: "" };
  const reason = exitStatus === undefined
    ? comment ?? ""
    : `exit status ${exitStatus}`;
  return { state: "ended", reason };
}

/** Returns the dialect, or `undefined` if there are no commands of PBS here. */
function findDialectSync(): PbsDialect | undefined {
  for (const { args: [program = "", ...args], read } of DIALECT_TESTS) {
    try {
      const { code, stdout, stderr } = new Deno.Command(program, { args })
        .outputSync();
      const decoder = new TextDecoder();
      const dialect = read({
        code,
        stdout: decoder.decode(stdout),
        stderr: decoder.decode(stderr),
      });
      if (dialect !== undefined) return dialect;
    } catch {
      // It isn't installed, or may not be run.
    }
  }
}
