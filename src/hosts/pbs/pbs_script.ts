import type { PbsDialect, PbsSettings } from "../../options/pbs_options.ts";
import {
  formatResources,
  type ResourceList,
} from "../../options/resource_list.ts";
import { agentCommand, environmentLines } from "../launch/job_script.ts";
import type {
  LaunchRequest,
  PlannedCommand,
  PlannedFile,
} from "../launch/launcher.ts";
import { quoteForShell } from "../launch/quote_for_shell.ts";

/** The longest name of a job that all systems accept. */
const MAX_NAME = 15;

/**
 * Returns the script of a job. It writes the agent's output to the folder: PBS
 * itself copies it only at the end, over ssh.
 *
 * @param folder The folder of the files, which the cluster's machines share.
 */
export function scriptFile(
  dialect: PbsDialect,
  { seconds }: PbsSettings,
  request: LaunchRequest,
  folder: string,
): PlannedFile {
  const id = dialect === "slurm" ? "$SLURM_JOB_ID" : "${PBS_JOBID%%.*}";
  const wallTime = seconds === undefined
    ? []
    : ["--wall-time", String(seconds)];
  return {
    path: `${folder}/${request.name}.sh`,
    mode: 0o700,
    text: [
      "#!/bin/sh",
      `job=${id}`,
      `exec >${quoteForShell(folder)}/"$job".out 2>&1`,
      ...environmentLines(request),
      `exec ${agentCommand(request, '"$job"', wallTime)}`,
      "",
    ].join("\n"),
  };
}

/** Returns how agents are started: by an array of jobs, or by separate jobs. */
export function submitCommands(
  dialect: PbsDialect,
  settings: PbsSettings,
  request: LaunchRequest,
  script: string,
): PlannedCommand[] {
  const { agents, name } = request;
  const { account, queue, qsubArgs } = settings;
  // Slurm's `qsub` makes a line of the shell of them.
  const quote = dialect === "slurm" ? quoteForShell : (text: string) => text;
  const args = (array: readonly string[]) => [
    "qsub",
    ...option("-q", queue, quote),
    ...option("-A", account, quote),
    ...["-l", formatResources(resources(dialect, settings, request))],
    ...["-r", "y"],
    ...(dialect === "slurm" ? [] : ["-S", "/bin/sh"]),
    ...qsubArgs,
    ...["-N", name.slice(0, MAX_NAME)],
    ...["-o", "/dev/null", "-j", "oe"],
    ...array,
    quote(script),
  ];
  if (dialect === "slurm") {
    // Its `qstat` doesn't show which job of an array is which.
    return Array.from({ length: agents }, () => ({ args: args([]) }));
  }
  if (dialect === "torque") return [{ args: args(["-t", `1-${agents}`]) }];
  // An array of OpenPBS has at least two jobs.
  return [{ args: args(agents === 1 ? [] : ["-J", `1-${agents}`]) }];
}

function resources(
  dialect: PbsDialect,
  { cpus, memory, seconds, resourceList }: PbsSettings,
  { workersPerAgent }: LaunchRequest,
): ResourceList {
  const cpuCount = cpus * workersPerAgent;
  // Slurm's `qsub` doesn't round.
  const mem = memory === undefined
    ? undefined
    : `${Math.ceil(memory * workersPerAgent / 1024)}mb`;
  const own: Record<string, string | number> = {};
  if (!("select" in resourceList || "nodes" in resourceList)) {
    if (dialect === "openpbs") {
      const amount = mem === undefined ? "" : `:mem=${mem}`;
      own.select = `1:ncpus=${cpuCount}${amount}`;
    } else {
      own.nodes = `1:ppn=${cpuCount}`;
      if (mem !== undefined) own.mem = mem;
    }
  }
  if (seconds !== undefined) own.walltime = seconds;
  return { ...own, ...resourceList };
}

function option(
  name: string,
  value: string | undefined,
  quote: (text: string) => string,
): string[] {
  return value ? [name, quote(value)] : [];
}
