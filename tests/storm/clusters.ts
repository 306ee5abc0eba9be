/**
 * The clusters of a storm, all on this machine: workers that join by themselves,
 * jobs of Slurm and of Grid Engine, pods of Kubernetes, and processes that a
 * command starts. An engine that isn't installed is left out.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { HostSpec, ListenOptions } from "../../mod.ts";
import { AgentProcess } from "../helpers/agent_process.ts";
import { Environment } from "../helpers/environment.ts";
import { GridEngine, gridEngineProblem } from "../helpers/grid_engine.ts";
import { KubeApi, kubectlProblem, NAMESPACE } from "../helpers/kube_api.ts";
import { SlurmCluster, slurmProblem } from "../helpers/slurm_cluster.ts";

const TOKEN = "a token for a storm";

/** How many agents have joined by themselves at most. */
const MAX_AGENTS = 3;

/** The arguments of `sbatch` for a job that preempts others. */
const URGENT_JOB = [
  ...["--parsable", "--partition=urgent", "--cpus-per-task=4"],
  ...["--output=/dev/null", "--wrap=sleep 60"],
];

/** The clusters of a storm, and the ways to disturb them. */
export class Clusters implements AsyncDisposable {
  readonly #port = freePort();
  readonly #agents = new Set<AgentProcess>();
  readonly #ending = new Set<Promise<unknown>>();
  #slurm: SlurmCluster | undefined;
  #gridEngine: GridEngine | undefined;
  #kube: KubeApi | undefined;
  #environment: Environment | undefined;
  /** Whether a node of Slurm is down, or its execution daemon. */
  #isDown = false;

  private constructor() {}

  /** Why engines are left out. */
  static readonly problems: readonly string[] = [
    slurmProblem,
    gridEngineProblem,
    kubectlProblem,
  ].filter((problem) => problem !== undefined);

  /** Starts the clusters. */
  static async start(): Promise<Clusters> {
    const clusters = new Clusters();
    try {
      await clusters.#start();
      return clusters;
    } catch (error) {
      await clusters[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const [slurm, gridEngine, kube] = await Promise.all([
      slurmProblem === undefined ? SlurmCluster.start() : undefined,
      gridEngineProblem === undefined ? GridEngine.start() : undefined,
      kubectlProblem === undefined ? KubeApi.start() : undefined,
    ]);
    this.#slurm = slurm;
    this.#gridEngine = gridEngine;
    this.#kube = kube;
    this.#environment = new Environment({ ...slurm?.env, ...gridEngine?.env });
  }

  /** Where the pool listens for workers that join. */
  get listen(): ListenOptions {
    return { hostname: "127.0.0.1", port: this.#port, token: TOKEN };
  }

  /** The hosts of the pool. */
  get hosts(): HostSpec[] {
    const slurm = this.#slurm;
    const gridEngine = this.#gridEngine;
    const kube = this.#kube;
    return [
      { launch: ["sh", "-c", "exec {command}"], workers: 1, name: "launch" },
      ...(slurm === undefined ? [] : [{
        host: "slurm://main/2",
        name: "slurm",
        folder: slurm.folder,
      }]),
      ...(gridEngine === undefined ? [] : [{
        host: "sge://all.q/2",
        name: "sge",
        folder: `${gridEngine.folder}/jobs`,
      }]),
      ...(kube === undefined ? [] : [{
        host: `kubernetes://${NAMESPACE}/2`,
        name: "kubernetes",
        kubectlArgs: kube.kubectlArgs,
      }]),
    ];
  }

  /** Cancels a job of Slurm. */
  async cancelJob(victim: number): Promise<string> {
    return await this.#onJob(victim, (job) => ["scancel", job]);
  }

  /** Puts a job of Slurm that runs into the queue again. */
  async requeueJob(victim: number): Promise<string> {
    return await this.#onJob(victim, (job) => ["scontrol", "requeue", job]);
  }

  /** Takes the nodes of Slurm for a more urgent job. */
  async preempt(duration: number): Promise<string> {
    const slurm = this.#slurm;
    if (slurm === undefined) return "";
    const job = await slurm.run("sbatch", ...URGENT_JOB);
    await delay(duration);
    await slurm.run("scancel", job);
    return `jobs of Slurm, by job ${job}`;
  }

  /** Kills a node of Slurm, and starts it again. */
  async crashNode(duration: number): Promise<string> {
    if (this.#slurm === undefined || this.#isDown) return "";
    this.#isDown = true;
    try {
      await this.#slurm.crashNode("n2");
      await delay(duration);
      await this.#slurm.startNode("n2");
    } finally {
      this.#isDown = false;
    }
    return "node n2";
  }

  /** Deletes a task of Grid Engine. */
  async deleteTask(victim: number): Promise<string> {
    const tasks = [...(await this.#gridEngine?.tasks() ?? new Map()).keys()];
    const task = one(tasks, victim)?.split(".");
    if (task === undefined) return "";
    const [job = "", number = ""] = task;
    // It may have ended meanwhile.
    await this.#gridEngine?.run("qdel", job, "-t", number).catch(() => {});
    return `task ${job}.${number}`;
  }

  /** Deletes a pod, evicts it, or kills it. */
  endPod(victim: number, how: "deletePod" | "evict" | "preempt"): string {
    const kube = this.#kube;
    const running =
      kube?.pods.filter(({ status }) => status.phase === "Running") ?? [];
    const pod = one(running, victim);
    if (kube === undefined || pod === undefined) return "";
    kube[how](pod);
    return `${how} ${pod.metadata.name}`;
  }

  /** Starts a worker that joins the pool, if there are few. */
  join(): string {
    if (this.#agents.size >= MAX_AGENTS) return "";
    const address = `127.0.0.1:${this.#port}`;
    const agent = new AgentProcess(["--connect", address], { token: TOKEN });
    this.#agents.add(agent);
    return `agent ${agent.pid}`;
  }

  /** Ends a worker that has joined: politely, or at once. */
  leave(victim: number, signal: "SIGTERM" | "SIGKILL"): string {
    const agent = one([...this.#agents], victim);
    if (agent === undefined) return "";
    this.#agents.delete(agent);
    try {
      agent.kill(signal);
    } catch {
      // It has ended.
    }
    const ended = agent.ended().then(() => agent[Symbol.asyncDispose]());
    this.#ending.add(ended);
    ended.then(() => this.#ending.delete(ended));
    return `${signal} ${agent.pid}`;
  }

  /** Returns what the pool has left at its clusters. */
  async remains(): Promise<string[]> {
    await Promise.all(this.#ending);
    for (const agent of this.#agents) {
      await agent.ended();
      await agent[Symbol.asyncDispose]();
    }
    this.#agents.clear();
    const jobs = [...(await this.#slurm?.jobs() ?? new Map()).keys()];
    const processes = this.#slurm?.jobProcesses() ?? [];
    const tasks = [...(await this.#gridEngine?.tasks() ?? new Map()).keys()];
    return [
      ...jobs.map((job) => `job ${job} of Slurm`),
      ...processes.map((pid) => `process ${pid} of Slurm`),
      ...tasks.map((task) => `task ${task} of Grid Engine`),
      ...this.#kube?.names ?? [],
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) await agent[Symbol.asyncDispose]();
    await this.#slurm?.stop();
    await this.#gridEngine?.stop();
    await this.#kube?.stop();
    this.#environment?.[Symbol.dispose]();
  }

  async #onJob(
    victim: number,
    command: (job: string) => [string, ...string[]],
  ): Promise<string> {
    const slurm = this.#slurm;
    if (slurm === undefined) return "";
    const jobs = [...await slurm.jobs()]
      .filter(([, state]) => state === "RUNNING").map(([job]) => job);
    const job = one(jobs, victim);
    if (job === undefined) return "";
    const [program, ...args] = command(job);
    // It may have ended meanwhile.
    await slurm.tryRun(program, ...args);
    return `${program} ${job}`;
  }
}

function one<T>(all: readonly T[], victim: number): T | undefined {
  return all[Math.floor(victim * all.length)];
}

/** Returns a port that nothing listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
