import type { ClusterSettings } from "../options/any_host.ts";

/** What to do if a step fails, by step. */
export interface ClusterHints {
  readonly launcher: string;
  readonly queue: string;
  readonly image: string;
  readonly folder: string;
  readonly job: string;
  readonly listen: string;
  readonly workers: string;
  readonly lost: string;
}

/** What the doctor says about a batch system. */
interface System {
  /** Where its commands are. */
  readonly commands: string;
  /** A command that lists its queues. */
  readonly queues: string;
  /** A command that shows why a job waits. */
  readonly jobs: string;
}

const LOGIN_NODE =
  "run this on a machine that has the system's commands, such as a login node of the cluster";

const SYSTEMS: Readonly<Record<ClusterSettings["kind"], System>> = {
  slurm: { commands: LOGIN_NODE, queues: "sinfo", jobs: "squeue --me" },
  sge: { commands: LOGIN_NODE, queues: "qconf -sql", jobs: "qstat -j <job>" },
  pbs: { commands: LOGIN_NODE, queues: "qstat -Q", jobs: "qstat -f <job>" },
  kubernetes: {
    commands:
      "install kubectl, and check with 'kubectl config view' that it has a context for the cluster",
    queues: "kubectl auth can-i --list",
    jobs: "kubectl describe pods",
  },
  docker: {
    commands:
      "install docker, and check with 'docker info' that it may be used",
    queues: "docker images",
    jobs: "docker ps --all",
  },
  podman: {
    commands: "install podman, and check it with 'podman info'",
    queues: "podman images",
    jobs: "podman ps --all",
  },
  launch: {
    commands: "check the spelling of the first word of 'launch'",
    queues: "",
    jobs: "",
  },
};

/** Returns the hints for a host, by step. */
export function clusterHints({ kind, folder }: ClusterSettings): ClusterHints {
  const { commands, queues, jobs } = SYSTEMS[kind];
  const asks = jobs === ""
    ? "run the command of 'launch' in a terminal to see what it prints"
    : `'${jobs}' shows more`;
  const place = folder ?? "~/.cache/distex/jobs";
  return {
    launcher: commands,
    queue: `'${queues}' lists what you may use`,
    image: `'${queues}' lists those that are here`,
    folder:
      'give a folder that this machine and those of the jobs share, as in {"host": "…", "folder": "/shared/tmp"}',
    job:
      'give what the system misses as options in JSON, as in {"host": "…", "account": "…", "time": "1:00:00"}',
    listen:
      "--listen-hostname and --listen-port give an address of this machine that the machines of the jobs can reach",
    workers: kind === "kubernetes"
      ? `${asks}; pods must reach this machine: set its address with --listen-hostname and --listen-port; a longer --timeout waits for a busy cluster`
      : `${asks}; the machines of the jobs must share ${place} with this one, have deno at the same path, and reach this machine: set its address with --listen-hostname and --listen-port; a longer --timeout waits for a busy queue`,
    lost:
      "the workers started, but then the job ended or the connection was lost: check its time limit, and try again, perhaps with a longer --timeout",
  };
}
