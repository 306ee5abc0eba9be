import {
  formatResources,
  type ResourceList,
} from "../../options/resource_list.ts";
import type { SgeSettings } from "../../options/sge_options.ts";
import { agentCommand, environmentLines } from "../launch/job_script.ts";
import type { LaunchRequest, PlannedCommand } from "../launch/launcher.ts";

/** The id of an agent. */
const TASK = '"$JOB_ID.$SGE_TASK_ID"';

/** Returns how agents are started by an array job. */
export function arrayCommand(
  settings: SgeSettings,
  request: LaunchRequest,
  folder: string,
): PlannedCommand {
  const { queue, project, pe, cpus, seconds, qsubArgs } = settings;
  const { agents, workersPerAgent } = request;
  const resources: ResourceList = {
    ...(seconds === undefined ? {} : { h_rt: seconds }),
    ...settings.resourceList,
  };
  return {
    args: [
      "qsub",
      ...option("-q", queue),
      ...option("-P", project),
      ...(pe === undefined ? [] : ["-pe", pe, `${cpus * workersPerAgent}`]),
      ...option("-l", formatResources(resources)),
      ...["-r", "y"],
      ...qsubArgs,
      "-terse",
      // A script without options for qsub, whatever the environment has.
      ...["-C", ""],
      ...["-S", "/bin/sh"],
      ...["-N", request.name],
      ...["-t", `1-${agents}`],
      ...["-o", `${folder}/$JOB_ID.$TASK_ID.out`, "-j", "y"],
    ],
    input: script(settings, request),
  };
}

/**
 * Returns the script of a task. Grid Engine warns all processes of a task by
 * SIGUSR1 and SIGUSR2 (`qsub -notify` and `-l s_rt`), which would end them: they
 * ignore both, and the agent leaves the pool.
 */
function script(settings: SgeSettings, request: LaunchRequest): string {
  const { seconds } = settings;
  const wallTime = seconds === undefined
    ? []
    : ["--wall-time", String(seconds)];
  return [
    "#!/bin/sh",
    ...environmentLines(request),
    "trap '' USR1 USR2",
    `${agentCommand(request, TASK, wallTime)} &`,
    "agent=$!",
    "trap 'kill -TERM $agent' USR1 USR2",
    // A signal ends `wait`.
    "while wait $agent; code=$?; kill -0 $agent 2>/dev/null; do :; done",
    "exit $code",
    "",
  ].join("\n");
}

function option(name: string, value: string | undefined): string[] {
  return value ? [name, value] : [];
}
