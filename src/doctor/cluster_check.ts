import { deadline } from "@std/async/deadline";
import { HostError } from "../errors/host_error.ts";
import { JobFolder } from "../hosts/launch/job_folder.ts";
import type { PingAnswer } from "../hosts/remote/remote_spawner.ts";
import type { ClusterSettings, LauncherSettings } from "../options/any_host.ts";
import type { PoolSettings } from "../options/pool_settings.ts";
import type { MachineInfo } from "../protocol/spawner_messages.ts";
import { isTimeout } from "../util/within_limit.ts";
import { clusterHints } from "./cluster_hints.ts";
import { HostCheck } from "./host_check.ts";
import { launcherProbes } from "./launcher_probes.ts";
import { workersDetail } from "./step_details.ts";

/** How long a launcher may take to answer a question, in milliseconds. */
const PROBE_TIMEOUT = 30_000;

/** The check of a host whose workers a launcher starts: it asks for one job. */
export class ClusterCheck extends HostCheck {
  protected readonly lostHint: string;
  readonly #host: ClusterSettings;
  #machine: MachineInfo | undefined;

  /** Constructs a check that hasn't run; see {@linkcode HostCheck}. */
  constructor(spec: string, settings: PoolSettings, host: ClusterSettings) {
    super(spec, withOneJob(settings, host), startSteps(host));
    this.#host = host;
    this.lostHint = clusterHints(host).lost;
  }

  protected async start(): Promise<boolean> {
    const hints = clusterHints(this.#host);
    for (const { step, run } of launcherProbes(this.#host.launcher)) {
      const signal = AbortSignal.timeout(PROBE_TIMEOUT);
      const passed = await this.step(
        step,
        async () => ({ detail: await run(signal) }),
        () => hints[step],
      );
      if (!passed) return false;
    }
    if (
      sharesFolder(this.#host.launcher) &&
      !await this.step("folder", () => this.#tryFolder(), () => hints.folder)
    ) return false;
    const begin = performance.now();
    return await this.step("job", async () => {
      await this.#submit();
      return { detail: "was accepted" };
    }, (error) => isAtListening(error) ? hints.listen : hints.job) &&
      await this.#join(begin, hints.workers);
  }

  protected get machine(): MachineInfo {
    return this.#machine!;
  }

  protected async ping(): Promise<PingAnswer> {
    const begin = performance.now();
    const time = await this.runner.run(() => Date.now());
    const roundTrip = performance.now() - begin;
    return { roundTrip, clockOffset: time - (Date.now() - roundTrip / 2) };
  }

  /** Makes a folder for files as a pool does, and removes it. */
  async #tryFolder(): Promise<{ detail: string }> {
    const folder = new JobFolder(this.#host.folder, "doctor");
    try {
      await folder.make();
    } finally {
      await folder.remove();
    }
    return { detail: `${parentOf(folder.path)} can be written` };
  }

  /** Starts the pool, which asks for the job. */
  async #submit(): Promise<void> {
    try {
      await this.engine.start();
    } catch (error) {
      throw (error as Error).cause ?? error;
    }
  }

  /** Waits until a worker has joined and runs a task. */
  async #join(begin: number, hint: string): Promise<boolean> {
    try {
      const machine = await deadline(
        this.runner.run(describeMachine),
        this.timeout,
      );
      this.#machine = machine;
      this.figures.cpus = machine.cpus;
      this.figures.memory = machine.memory;
      this.figures.start = performance.now() - begin;
      this.figures.workers = this.engine.stats().workers;
      this.steps.pass(
        "workers",
        workersDetail(this.figures.workers, this.figures.start),
      );
      this.steps.pass("deno", `${machine.deno}, ${machine.platform}`);
      return true;
    } catch (error) {
      this.steps.fail("workers", this.#absence(error), hint);
      return false;
    }
  }

  /** Describes why no worker has joined. */
  #absence(error: unknown): string {
    const [host] = this.engine.stats().hosts;
    if (host?.error !== undefined) return this.reasonOf(host.error);
    if (!isTimeout(error)) return this.reasonOf(error);
    const seconds = this.timeout / 1_000;
    const { pending } = host ?? {};
    return pending === undefined
      ? `the job runs, but its workers haven't joined within ${seconds} s`
      : `the job still waits after ${seconds} s (${
        pending.reason || "no reason"
      })`;
  }
}

/** Whether this machine couldn't listen for the workers. */
function isAtListening(error: unknown): boolean {
  return error instanceof HostError &&
    (error.step === "connection" || error.step === "name");
}

/** Runs at a worker, so it uses nothing from here. */
function describeMachine(): MachineInfo {
  return {
    deno: Deno.version.deno,
    platform: `${Deno.build.os} ${Deno.build.arch}`,
    cpus: navigator.hardwareConcurrency,
    memory: Deno.systemMemoryInfo().total,
  };
}

/** Returns settings with as many workers as one job starts. */
function withOneJob(
  settings: PoolSettings,
  host: ClusterSettings,
): PoolSettings {
  const workers = host.workersPerJob;
  return {
    ...settings,
    hosts: [{
      ...host,
      workers,
      permissions: { sys: ["systemMemoryInfo"] },
      launcher: {
        kind: host.kind,
        settings: { ...host.launcher.settings, workers },
      } as LauncherSettings,
    }],
  };
}

/** Returns the steps of a host's start, in their order. */
function startSteps({ launcher }: ClusterSettings): string[] {
  return [
    ...launcherProbes(launcher).map(({ step }) => step),
    ...(sharesFolder(launcher) ? ["folder"] : []),
    "job",
    "workers",
    "deno",
  ];
}

/** Whether the machines of the jobs share a folder with this one. */
function sharesFolder({ kind }: LauncherSettings): boolean {
  return kind !== "kubernetes";
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
