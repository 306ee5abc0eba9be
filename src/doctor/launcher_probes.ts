import { runCommand } from "../hosts/launch/run_command.ts";
import type { LauncherSettings } from "../options/any_host.ts";
import type { KubernetesSettings } from "../options/kubernetes_options.ts";
import type { PbsSettings } from "../options/pbs_options.ts";
import type { SgeSettings } from "../options/sge_options.ts";
import type { SlurmSettings } from "../options/slurm_options.ts";
import { findProgram } from "./find_program.ts";

/** A question about a launcher, before the doctor asks it for a worker. */
export interface LauncherProbe {
  /** The name of the step. */
  readonly step: "launcher" | "queue" | "image";
  /**
   * Asks the question.
   *
   * @returns The finding.
   * @throws {Error} If the launcher can't be used.
   */
  readonly run: (signal: AbortSignal) => Promise<string>;
}

/** The output of a command that has succeeded, without white space around it. */
type Read = (stdout: string) => string;

/** Returns the probes of a launcher, in their order. */
export function launcherProbes(
  { kind, settings }: LauncherSettings,
): readonly LauncherProbe[] {
  switch (kind) {
    case "slurm":
      return slurmProbes(settings);
    case "sge":
      return sgeProbes(settings);
    case "pbs":
      return pbsProbes(settings);
    case "kubernetes":
      return kubernetesProbes(settings);
    case "docker":
    case "podman":
      return containerProbes(kind, settings.image);
    case "launch":
      return [{
        step: "launcher",
        // deno-lint-ignore require-await
        run: async () => findProgram(settings.launch[0]!),
      }];
  }
}

function slurmProbes(
  { allocation, partition }: SlurmSettings,
): readonly LauncherProbe[] {
  if (allocation !== undefined) {
    const args = ["squeue", "--noheader", `--jobs=${allocation}`];
    return [
      probe("launcher", ["srun", "--version"]),
      probe("queue", [...args, "--format=%T|%D"], (stdout) => {
        const [state = "", nodes = "0"] = stdout.split("|");
        if (state === "RUNNING") {
          return `job ${allocation} on ${count(nodes, "node")}`;
        }
        throw new Error(
          `the job ${allocation} doesn't run (${state || "ended"})`,
        );
      }),
    ];
  }
  return [
    probe("launcher", ["sbatch", "--version"]),
    probe(
      "queue",
      ["sinfo", "--noheader", "--format=%P|%a|%D|%l", "--all"],
      (stdout) => describePartition(stdout, partition),
    ),
  ];
}

/** Describes a partition, or the default one, which has an asterisk. */
function describePartition(stdout: string, wanted: string | undefined): string {
  const all = stdout.split("\n").map((line) => line.split("|"));
  const names = all.map(([name = ""]) => name.replace("*", ""));
  const index = wanted === undefined
    ? all.findIndex(([name]) => name?.endsWith("*"))
    : names.indexOf(wanted);
  if (index < 0) {
    const which = wanted === undefined
      ? "default partition"
      : `partition '${wanted}'`;
    throw new Error(`there is no ${which}, but ${names.join(", ")}`);
  }
  const [, state, nodes = "0", limit] = all[index]!;
  if (state !== "up") {
    throw new Error(`the partition '${names[index]}' is ${state}`);
  }
  return `${names[index]}: ${count(nodes, "node")}, time limit ${limit}`;
}

function sgeProbes({ queue }: SgeSettings): readonly LauncherProbe[] {
  const which = queue === undefined ? [] : ["-q", queue];
  return [
    probe("launcher", ["qstat", "-help"]),
    {
      step: "queue",
      async run(signal) {
        const { code, stdout, stderr } = await runProgram(
          ["qselect", ...which],
          signal,
        );
        if (code === 0) {
          return count(stdout.trim().split("\n").length, "queue instance");
        }
        // It prints nothing if no queue matches.
        throw new Error(stderr || `there is no queue '${queue ?? "*"}'`);
      },
    },
  ];
}

function pbsProbes({ queue }: PbsSettings): readonly LauncherProbe[] {
  const which = queue === undefined ? [] : [queue];
  return [
    // Not all systems that have the commands of PBS report a version.
    probe("launcher", ["qstat", "-Q"], () => "answers"),
    {
      step: "queue",
      async run(signal) {
        const args = ["qstat", "-Q", ...which];
        const { code, stderr } = await runProgram(args, signal);
        if (code === 0) return queue ?? "the default queue";
        throw new Error(stderr || `there is no queue '${queue}'`);
      },
    },
  ];
}

function kubernetesProbes(
  { namespace, context, kubectlArgs }: KubernetesSettings,
): readonly LauncherProbe[] {
  const kubectl = [
    "kubectl",
    ...kubectlArgs,
    ...(context === undefined ? [] : [`--context=${context}`]),
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    "--request-timeout=30s",
  ];
  return [
    probe("launcher", [...kubectl, "version", "-o", "json"], (stdout) => {
      const { clientVersion, serverVersion } = JSON.parse(stdout);
      return `kubectl ${clientVersion.gitVersion}, server ${serverVersion.gitVersion}`;
    }),
    probe("queue", [...kubectl, "get", "jobs", "-o", "name"], (stdout) => {
      const jobs = stdout === "" ? 0 : stdout.split("\n").length;
      const place = namespace === undefined
        ? "the context's namespace"
        : `the namespace ${namespace}`;
      return `${place} has ${count(jobs, "Job")}`;
    }),
  ];
}

function containerProbes(
  kind: "docker" | "podman",
  image: string,
): readonly LauncherProbe[] {
  return [
    probe("launcher", [kind, "version", "--format={{.Client.Version}}"]),
    {
      step: "image",
      async run(signal) {
        const args = [kind, "image", "inspect", "--format={{.Id}}", image];
        const { code } = await runProgram(args, signal);
        return `${image} ${
          code === 0 ? "is here" : "isn't here yet, and will be pulled"
        }`;
      },
    },
  ];
}

/** Makes a probe of a command that must succeed; by default, it shows a line. */
function probe(
  step: LauncherProbe["step"],
  args: readonly string[],
  read: Read = (stdout) => stdout.split("\n")[0]!,
): LauncherProbe {
  return {
    step,
    async run(signal) {
      const { code, stdout, stderr } = await runProgram(args, signal);
      if (code === 0) return read(stdout.trim());
      throw new Error(
        `'${args.join(" ")}' fails: ${
          stderr || stdout.trim() || `exit code ${code}`
        }`,
      );
    },
  };
}

async function runProgram(
  args: readonly string[],
  signal: AbortSignal,
): ReturnType<typeof runCommand> {
  try {
    return await runCommand(args, { signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new Error(
      cause instanceof Deno.errors.NotFound
        ? `there is no program '${args[0]}' in the PATH`
        : `the program '${args[0]}' can't be run (${cause})`,
      { cause },
    );
  }
}

function count(value: number | string, noun: string): string {
  return `${value} ${noun}${Number(value) === 1 ? "" : "s"}`;
}
