/**
 * A real Slurm for a test: a controller and two nodes, all on this machine. It
 * ignores this machine's Slurm, needs no service, and leaves nothing behind.
 *
 * @module
 */

import { userInfo } from "node:os";
import { isAlive, killNow } from "./processes.ts";
import { realDelay } from "./real_timers.ts";
import { type Outcome, runProgram } from "./run_program.ts";
import { findProgram } from "./ssh_files.ts";

/** Ports below the range from which systems assign ports, also to other tests. */
const PORTS = { from: 10_000, to: 32_000 };

const MAX_TRIES = 20;

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

/** How often to ask Slurm, in milliseconds. */
const INTERVAL = 50;

const MUNGED = findProgram("munged");
const SLURMCTLD = findProgram("slurmctld");
const SLURMD = findProgram("slurmd");

/**
 * Runs each command that it reads. When its pipe ends, it kills the daemons and
 * the jobs, and removes the folder.
 *
 * Daemons and jobs leave process groups and parents, but jobs always have
 * Slurm's configuration in their environment, and daemons an open log.
 */
const GUARD = `
folder=$1 parent=$PPID
trap '' HUP INT QUIT TERM
while read -r command; do
  { trap - HUP INT QUIT TERM; exec sh -c "$command"; } \
    </dev/null >>"$folder/daemons/output" 2>&1 &
done
exec 2>/dev/null
find_pids() {
  {
    grep -lF "SLURM_CONF=$folder/" /proc/[0-9]*/environ
    find /proc/[0-9]*/fd -lname "$folder/daemons/*"
  } | cut -d / -f 3 | sort -u | grep -vxe "$$" -e "$parent"
}
while pids=$(find_pids); [ "$pids" ]; do kill -KILL $pids; done
rm -rf "$folder"
`;

/** The nodes of a {@linkcode SlurmCluster}. */
export type SlurmNode = "n1" | "n2";

const NODES = ["n1", "n2"] as const;

/** The CPUs of each node, which may be more than this machine has. */
export const CPUS_PER_NODE = 4;

/** Options of {@linkcode SlurmCluster.start}. */
export interface SlurmClusterOptions {
  /** Further lines of slurm.conf, which take precedence. */
  readonly config?: readonly string[];
}

/** Why this machine can't run a {@linkcode SlurmCluster}, if so. */
export const slurmProblem: string | undefined = findProblem();

function findProblem(): string | undefined {
  if (Deno.build.os !== "linux") return "needs Linux";
  if (!SLURMCTLD || !SLURMD || !findProgram("sbatch")) {
    return "install the package slurm-wlm";
  }
  if (!MUNGED) return "install the package munge";
}

/** Declares a test that needs a {@linkcode SlurmCluster}, like `Deno.test`. */
export function slurmTest(
  name: string,
  fn: (context: Deno.TestContext) => void | Promise<void>,
  options: Partial<Deno.TestDefinition> = {},
): void {
  if (slurmProblem) name += ` (skipped: ${slurmProblem})`;
  Deno.test({ ...options, name, fn, ignore: slurmProblem !== undefined });
}

/** A cluster for all tests of a file. */
export interface SharedSlurm {
  /** The cluster, which all commands of the test's process use. */
  readonly cluster: SlurmCluster;
}

/** Starts a cluster before the tests of a file, and stops it after them. */
export function sharedSlurm(options?: SlurmClusterOptions): SharedSlurm {
  const before = Deno.env.get("SLURM_CONF");
  let cluster: SlurmCluster | undefined;
  Deno.test.beforeAll(async () => {
    if (slurmProblem !== undefined) return;
    cluster = await SlurmCluster.start(options);
    Deno.env.set("SLURM_CONF", cluster.env.SLURM_CONF);
  });
  Deno.test.afterAll(async () => {
    if (before === undefined) Deno.env.delete("SLURM_CONF");
    else Deno.env.set("SLURM_CONF", before);
    await cluster?.stop();
  });
  return {
    get cluster() {
      return cluster!;
    },
  };
}

/**
 * A cluster with the partitions `main`, `tiny` (one node, one minute) and
 * `urgent`, whose jobs preempt those of the others.
 */
export class SlurmCluster implements AsyncDisposable {
  readonly #guard: Deno.ChildProcess;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  #stopped: Promise<unknown> | undefined;

  /** The folder of its files. Tests may add files. */
  readonly folder: string = Deno.makeTempDirSync({ prefix: "distex-slurm-" });

  private constructor() {
    Deno.mkdirSync(`${this.folder}/daemons`);
    this.#guard = new Deno.Command("sh", {
      args: ["-c", GUARD, "slurm-reaper", this.folder],
      env: { SLURM_CONF: "" },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      // It needs its own process group, as ours may be killed as a whole.
      detached: true,
    }).spawn();
    this.#commands = this.#guard.stdin.getWriter();
  }

  /** Starts a cluster; resolves when its nodes are idle. */
  static async start(options: SlurmClusterOptions = {}): Promise<SlurmCluster> {
    const cluster = new SlurmCluster();
    try {
      await cluster.#startDaemons(options);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The environment with which Slurm's commands find the cluster. */
  get env(): { readonly SLURM_CONF: string } {
    return { SLURM_CONF: `${this.folder}/slurm.conf` };
  }

  /** Runs a command, and returns its output without the last line feed. */
  async run(program: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryRun(program, ...args);
    if (code === 0) return stdout.trimEnd();
    throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
  }

  /** Runs a command that may fail. */
  async tryRun(program: string, ...args: string[]): Promise<Outcome> {
    return await runProgram(program, args, this.env);
  }

  /**
   * Returns the jobs that haven't ended, by id, with their states, such as
   * `PENDING`. Each task of an array is a job, such as `7_0`.
   */
  async jobs(): Promise<Map<string, string>> {
    const lines = await this.run("squeue", "-h", "-r", "-o", "%i %T");
    return new Map(
      lines.split("\n").filter((line) => line !== "")
        .map((line) => line.split(" ") as [string, string]),
    );
  }

  /** Waits until a condition holds for the jobs that haven't ended. */
  async untilJobs(
    condition: (jobs: ReadonlyMap<string, string>) => boolean,
  ): Promise<void> {
    await poll(async () => condition(await this.jobs()));
  }

  /** Waits until a condition holds that takes time to find out. */
  async until(condition: () => Promise<boolean>): Promise<void> {
    await poll(condition);
  }

  /** Waits until no job is left, and no process of a job. */
  async empty(): Promise<void> {
    await this.untilJobs((jobs) => jobs.size === 0);
    await poll(() => this.jobProcesses().length === 0);
  }

  /** Returns the ids of the processes that jobs have, by default on all nodes. */
  jobProcesses(node?: SlurmNode): number[] {
    const marks = [
      `SLURM_CONF=${this.folder}/slurm.conf`,
      node === undefined ? "SLURM_JOB_ID=" : `SLURMD_NODENAME=${node}`,
    ];
    return allProcesses().filter((pid) => {
      const env = `\0${readProc(pid, "environ")}`;
      return marks.every((mark) => env.includes(`\0${mark}`)) && isAlive(pid);
    });
  }

  /**
   * Kills everything on a node at once, as if it had lost its power, and tells
   * the controller, which would find out much later.
   */
  async crashNode(node: SlurmNode): Promise<void> {
    await poll(() => {
      const pids = [...this.#daemonsOf(node), ...this.jobProcesses(node)];
      pids.forEach(killNow);
      return pids.length === 0;
    });
    const state = ["State=DOWN", "Reason=crash"];
    await this.run("scontrol", "update", `NodeName=${node}`, ...state);
  }

  /** Starts a node that has crashed; resolves when it is idle. */
  async startNode(node: SlurmNode): Promise<void> {
    await this.#startNode(node);
    await this.#untilIdle([node]);
  }

  /** Kills the daemons and the jobs, and removes the folder. */
  async stop(): Promise<void> {
    await (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    await this.#commands.close().catch(() => {});
    await this.#guard.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #startDaemons({ config = [] }: SlurmClusterOptions): Promise<void> {
    const daemons = `${this.folder}/daemons`;
    const key = crypto.getRandomValues(new Uint8Array(1024));
    await Promise.all([
      Deno.mkdir(`${daemons}/state`),
      Deno.mkdir(`${daemons}/spool`),
      Deno.writeFile(`${daemons}/key`, key, { mode: 0o600 }),
      Deno.writeTextFile(
        this.env.SLURM_CONF,
        makeConfig(this.folder, findPort(3), config),
      ),
    ]);
    await this.#command(
      `${MUNGED} -F -f --key-file=${daemons}/key -S ${daemons}/socket --pid-file=${daemons}/munged.pid --log-file=${daemons}/munged.log --seed-file=${daemons}/seed`,
    );
    await poll(async () =>
      (await this.tryRun("munge", "-n", "-S", `${daemons}/socket`)).code === 0
    );
    await this.#command(`${SLURMCTLD} -D -i`);
    for (const node of NODES) await this.#startNode(node);
    await this.#untilIdle(NODES);
  }

  async #startNode(node: SlurmNode): Promise<void> {
    await this.#command(`${SLURMD} -D -N ${node}`);
  }

  async #command(command: string): Promise<void> {
    const line = `SLURM_CONF=${this.env.SLURM_CONF} exec ${command}\n`;
    await this.#commands.write(new TextEncoder().encode(line));
  }

  async #untilIdle(nodes: readonly SlurmNode[]): Promise<void> {
    const args = ["-h", "-p", "main", "-N", "-n", nodes.join(), "-o", "%T"];
    await poll(async () => {
      const { stdout } = await this.tryRun("sinfo", ...args);
      return stdout === "idle\n".repeat(nodes.length);
    });
  }

  /** Returns the ids of slurmd and its slurmstepds. */
  #daemonsOf(node: SlurmNode): number[] {
    const log = `${this.folder}/daemons/${node}.log`;
    return allProcesses().filter((pid) => hasOpen(pid, log) && isAlive(pid));
  }
}

/** Waits for a condition that takes time to find out. */
async function poll(
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + TIMEOUT;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Too long: ${condition}`);
    await realDelay(INTERVAL);
  }
}

/** Makes slurm.conf. */
function makeConfig(
  folder: string,
  port: number,
  config: readonly string[],
): string {
  const daemons = `${folder}/daemons`;
  const { username } = userInfo();
  const settings: Record<string, string | number> = {
    ClusterName: "distex",
    SlurmctldHost: `${Deno.hostname()}(127.0.0.1)`,
    SlurmctldPort: port,
    AuthType: "auth/munge",
    AuthInfo: `socket=${daemons}/socket`,
    CredType: "cred/munge",
    SlurmUser: username,
    SlurmdUser: username,
    StateSaveLocation: `${daemons}/state`,
    SlurmdSpoolDir: `${daemons}/spool/%n`,
    SlurmctldPidFile: `${daemons}/slurmctld.pid`,
    SlurmdPidFile: `${daemons}/%n.pid`,
    SlurmctldLogFile: `${daemons}/slurmctld.log`,
    SlurmdLogFile: `${daemons}/%n.log`,
    // Otherwise slurmd refuses to have more CPUs than this machine.
    SlurmdParameters: "config_overrides",
    ProctrackType: "proctrack/linuxproc",
    TaskPlugin: "task/none",
    JobAcctGatherType: "jobacct_gather/none",
    AccountingStorageType: "accounting_storage/none",
    MpiDefault: "none",
    SelectType: "select/cons_tres",
    SelectTypeParameters: "CR_Core_Memory",
    DefMemPerCPU: 100,
    SchedulerType: "sched/backfill",
    SchedulerParameters:
      "sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0",
    PreemptType: "preempt/partition_prio",
    PreemptMode: "REQUEUE",
    ReturnToService: 2,
    KillWait: 5,
    MessageTimeout: 10,
    MaxArraySize: 101,
  };
  const defaults = Object.entries(settings)
    .filter(([name]) => !config.some((line) => line.startsWith(`${name}=`)))
    .map(([name, value]) => `${name}=${value}`);
  const nodes = NODES.map((node, at) =>
    `NodeName=${node} NodeHostname=localhost NodeAddr=127.0.0.1 Port=${
      port + 1 + at
    } CPUs=${CPUS_PER_NODE} RealMemory=4000`
  );
  return [
    ...config,
    ...defaults,
    ...nodes,
    "PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP",
    "PartitionName=tiny Nodes=n1 MaxTime=1 State=UP",
    "PartitionName=urgent Nodes=n1,n2 PriorityTier=10 PreemptMode=off State=UP",
    "",
  ].join("\n");
}

/** Finds adjacent free ports, and returns the first. */
function findPort(count: number): number {
  for (let tries = 1;; tries++) {
    const { from, to } = PORTS;
    const first = from + Math.floor(Math.random() * (to - from));
    const listeners: Deno.Listener[] = [];
    try {
      for (let at = 0; at < count; at++) {
        listeners.push(Deno.listen({ port: first + at }));
      }
      return first;
    } catch (error) {
      const isInUse = error instanceof Deno.errors.AddrInUse;
      if (!isInUse || tries === MAX_TRIES) throw error;
    } finally {
      for (const listener of listeners) listener.close();
    }
  }
}

function allProcesses(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((pid) => pid > 0);
}

/** Reads a file of a process in /proc; returns nothing if it has ended. */
function readProc(pid: number, name: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${name}`);
  } catch {
    return "";
  }
}

/** Whether a process has a file open. */
function hasOpen(pid: number, path: string): boolean {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/fd`)].some(({ name }) =>
      readLink(`/proc/${pid}/fd/${name}`) === path
    );
  } catch {
    return false;
  }
}

function readLink(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}
