import type { SgeSettings } from "../../options/sge_options.ts";
import { BatchCommands } from "../launch/batch_commands.ts";
import type {
  AgentState,
  Launcher,
  LaunchPlan,
  LaunchRequest,
} from "../launch/launcher.ts";
import { planFiles } from "../launch/plan_files.ts";
import { readOutput } from "../launch/read_output.ts";
import { readReasons, type TaskReasons } from "./read_reasons.ts";
import { LIST_TASKS, readTasks, type TaskState } from "./read_tasks.ts";
import { arrayCommand } from "./sge_script.ts";
import { formatTasks } from "./task_list.ts";

/** The output of `qsub -terse`: the job and its tasks. */
const SUBMITTED = /^(\d+)\.1-\d+:1$/m;

/** Starts agents in array jobs that it submits to Grid Engine. */
export class GridEngineLauncher implements Launcher {
  readonly kind = "sge";
  readonly folder: string;
  readonly sharesFiles = true;

  readonly #settings: SgeSettings;
  readonly #commands: BatchCommands;

  /**
   * Constructs a launcher that does nothing yet.
   *
   * @param folder The folder of the files, which the cluster's machines share.
   */
  constructor(settings: SgeSettings, folder: string) {
    this.#settings = settings;
    this.#commands = new BatchCommands(settings.name, "Grid Engine");
    this.folder = folder;
  }

  plan(request: LaunchRequest): LaunchPlan {
    return {
      files: planFiles(this.folder, request.files),
      commands: [arrayCommand(this.#settings, request, this.folder)],
    };
  }

  async submit(
    request: LaunchRequest,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    signal.throwIfAborted();
    const { args, input = "" } = this.plan(request).commands[0]!;
    try {
      const outcome = await this.#commands.submit(args, input, signal);
      const [, job] = outcome.stdout.match(SUBMITTED) ?? [];
      if (job === undefined || outcome.code !== 0) {
        throw this.#commands.failed(args, outcome);
      }
      signal.throwIfAborted();
      return Array.from(
        { length: request.agents },
        (_, index) => `${job}.${index + 1}`,
      );
    } catch (error) {
      // It may have accepted the job, for example with a warning.
      await this.#commands.try(["qdel", request.name]).catch(() => {});
      throw error;
    }
  }

  async query(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, AgentState>> {
    const tasks = await this.#list(ids, signal);
    const reasons = await this.#readReasons(tasks, signal);
    const failed = [...tasks].filter(([, { hasFailed }]) => hasFailed);
    // They would stay in the queue.
    if (failed.length > 0) await this.cancel(failed.map(([id]) => id));
    return new Map(
      [...tasks].map(([id, task]) => [id, toState(id, task, reasons)]),
    );
  }

  async cancel(ids: readonly string[]): Promise<void> {
    const args = this.cancelCommand(ids);
    const outcome = await this.#commands.try(args);
    if (outcome.code === 0) return;
    // It fails for tasks that have ended, or whose machine can't be reached now.
    const tasks = await this.#list(ids);
    if ([...tasks.values()].every(({ isDeleted }) => isDeleted)) return;
    throw this.#commands.failed(args, outcome);
  }

  cancelCommand(ids: readonly string[]): readonly string[] {
    return ["qdel", ...formatTasks(ids)];
  }

  async output(id: string): Promise<string> {
    return await readOutput(`${this.folder}/${id}.out`);
  }

  /** Returns those of the tasks that Grid Engine knows. */
  async #list(
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<Map<string, TaskState>> {
    const options = signal === undefined ? {} : { signal };
    const tasks = readTasks(await this.#commands.run(LIST_TASKS, options));
    return new Map(ids.flatMap((id) => {
      const task = tasks.get(id);
      return task === undefined ? [] : [[id, task]];
    }));
  }

  /** Asks why tasks wait or have failed, if some do. */
  async #readReasons(
    tasks: ReadonlyMap<string, TaskState>,
    signal: AbortSignal,
  ): Promise<TaskReasons> {
    const jobs = new Set<string>();
    for (const [id, { isPending }] of tasks) if (isPending) jobs.add(jobOf(id));
    if (jobs.size === 0) return readReasons("");
    const args = ["qstat", "-j", [...jobs].join(), "-xml"];
    // It fails for jobs that have just ended.
    const { stdout } = await this.#commands.try(args, { signal });
    return readReasons(stdout);
  }
}

function toState(
  id: string,
  { letters, isPending, hasFailed }: TaskState,
  reasons: TaskReasons,
): AgentState {
  if (hasFailed) {
    return { state: "ended", reason: reasons.failed.get(id) ?? letters };
  }
  if (!isPending) return { state: "running", reason: "" };
  const reason = reasons.pending(jobOf(id));
  return { state: "pending", reason: reason === "" ? letters : reason };
}

function jobOf(id: string): string {
  return id.slice(0, id.indexOf("."));
}
