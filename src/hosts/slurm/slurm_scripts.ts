import type { SlurmSettings } from "../../options/slurm_options.ts";
import { agentCommand, environmentLines } from "../launch/job_script.ts";
import type { LaunchRequest, PlannedCommand } from "../launch/launcher.ts";
import { quoteForShell } from "../launch/quote_for_shell.ts";

/** The id of an agent in an array of jobs; `%A_%a` in the path of its output. */
const ARRAY_JOB = '"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"';

/** The id of an agent in one job; `%j.%t` in the path of its output. */
const TASK = '"$SLURM_JOB_ID.$SLURM_PROCID"';

/** The id of an agent in a step of a job; `%J.%t` in the path of its output. */
const STEP_TASK = '"$SLURM_JOB_ID.$SLURM_STEP_ID.$SLURM_PROCID"';

/** The end of the name of the file with the exit code of a task. */
export const EXIT_CODE = ".exit";

/** Returns how agents are started by an array of jobs. */
export function arrayCommand(
  settings: SlurmSettings,
  request: LaunchRequest,
  folder: string,
): PlannedCommand {
  const { memory, sbatchArgs } = settings;
  const { agents, workersPerAgent } = request;
  return {
    args: [
      "sbatch",
      ...jobArgs(settings),
      "--nodes=1",
      "--ntasks=1",
      cpusPerTask(settings, workersPerAgent),
      ...option("mem", memory && formatMemory(memory * workersPerAgent)),
      ...sbatchArgs,
      `--array=0-${agents - 1}`,
      ...nameArgs(request),
      `--output=${folder}/%A_%a.out`,
    ],
    input: script(
      ...environmentLines(request),
      `exec ${agentCommand(request, ARRAY_JOB, wallTime(settings))}`,
    ),
  };
}

/** Returns how agents are started by one job, each as a task of it. */
export function jobCommand(
  settings: SlurmSettings,
  request: LaunchRequest,
  folder: string,
): PlannedCommand {
  const { cpus, memory, sbatchArgs } = settings;
  const { agents, workersPerAgent } = request;
  const srun = [
    "srun",
    ...taskArgs(settings, request),
    `--output=${folder}/%j.%t.out`,
    ...taskScript(settings, request, folder, TASK),
  ];
  return {
    args: [
      "sbatch",
      ...jobArgs(settings),
      `--ntasks=${agents}`,
      cpusPerTask(settings, workersPerAgent),
      ...option("mem-per-cpu", memory && formatMemory(memory / cpus)),
      ...sbatchArgs,
      ...nameArgs(request),
      `--output=${folder}/%j.out`,
    ],
    input: script(
      ...environmentLines(request),
      // A job may be submitted in another one, whose limits are inherited.
      "unset SLURM_MEM_PER_NODE SLURM_MEM_PER_GPU",
      `exec ${srun.map(quoteForShell).join(" ")}`,
    ),
  };
}

/** Returns how agents are started in the job of the program. */
export function stepCommand(
  settings: SlurmSettings,
  request: LaunchRequest,
  folder: string,
): PlannedCommand {
  return {
    args: [
      "srun",
      `--jobid=${settings.allocation}`,
      `--job-name=${request.name}`,
      // The program itself may run in a step, which has all resources.
      "--overlap",
      "--mem=0",
      ...taskArgs(settings, request),
      `--output=${folder}/%J.%t.out`,
      ...taskScript(settings, request, folder, STEP_TASK),
    ],
    env: request.env,
  };
}

function jobArgs(settings: SlurmSettings): string[] {
  const { partition, account, time, constraint, gres } = settings;
  return [
    ...option("partition", partition),
    ...option("account", account),
    ...option("time", time),
    ...option("constraint", constraint),
    ...option("gres", gres),
    "--requeue",
  ];
}

function nameArgs({ name }: LaunchRequest): string[] {
  return ["--parsable", `--job-name=${name}`];
}

function taskArgs(
  settings: SlurmSettings,
  { agents, workersPerAgent }: LaunchRequest,
): string[] {
  return [
    `--ntasks=${agents}`,
    cpusPerTask(settings, workersPerAgent),
    // The end of an agent must not end the others.
    "--kill-on-bad-exit=0",
    "--wait=0",
    "--input=none",
    // Otherwise, it would be that of the job, such as NONE.
    "--export=ALL",
  ];
}

/**
 * Returns the command of a task, which leaves its exit code in the folder: Slurm
 * only shows the end of all tasks.
 */
function taskScript(
  settings: SlurmSettings,
  request: LaunchRequest,
  folder: string,
  job: string,
): string[] {
  const file = `${quoteForShell(`${folder}/`)}${job}${EXIT_CODE}`;
  const agent = agentCommand(request, job, wallTime(settings));
  return [
    "sh",
    "-c",
    // Slurm sends signals to all processes. The shell waits for the agent.
    `rm -f ${file}; trap : TERM; ${agent}; code=$?; echo $code >${file}; exit $code`,
  ];
}

function wallTime({ seconds }: SlurmSettings): string[] {
  return seconds === undefined ? [] : ["--wall-time", String(seconds)];
}

function cpusPerTask({ cpus }: SlurmSettings, workers: number): string {
  return `--cpus-per-task=${cpus * workers}`;
}

function option(name: string, value: string | undefined | 0): string[] {
  return value ? [`--${name}=${value}`] : [];
}

/** Returns an amount of memory, which Slurm counts in whole numbers. */
function formatMemory(kibibytes: number): string {
  const units = ["K", "M", "G"];
  let amount = Math.ceil(kibibytes);
  let unit = 0;
  for (; amount % 1024 === 0 && unit < units.length - 1; unit++) amount /= 1024;
  return `${amount}${units[unit]}`;
}

function script(...lines: string[]): string {
  return ["#!/bin/sh", ...lines, ""].join("\n");
}
