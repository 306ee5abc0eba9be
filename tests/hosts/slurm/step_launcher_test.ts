import { assert, assertEquals, assertRejects } from "@std/assert";
import { HostError } from "../../../mod.ts";
import { makeSlurmLauncher } from "../../../src/hosts/slurm/make_slurm_launcher.ts";
import { StepLauncher } from "../../../src/hosts/slurm/step_launcher.ts";
import { slurmSettings } from "../../../src/options/slurm_options.ts";
import { launchRequest, untilState } from "../../helpers/launchers.ts";
import { until } from "../../helpers/processes.ts";
import { sharedSlurm, slurmTest } from "../../helpers/slurm_cluster.ts";

const shared = sharedSlurm();

const { signal } = new AbortController();

/**
 * Stands for an agent; the second one ends at once. Slurm may forget a process
 * whose step ends while it begins: an agent then finds no pool, and ends, too.
 */
const AGENT = [
  "sh",
  "-c",
  'case $2 in *.1) echo "$COLOR"; exit 5;; esac; while kill -0 $PPID; do sleep 0.1; done',
  "agent",
];

/** A job that this process seems to run in. */
class Allocation implements AsyncDisposable {
  static async make(...args: string[]): Promise<Allocation> {
    const { cluster } = shared;
    await cluster.run("salloc", "--no-shell", "-Q", "-J", "here", ...args);
    const format = "%A %C";
    const all = await cluster.run("squeue", "-h", "-n", "here", "-o", format);
    const [job = "", cpus = ""] = all.split(" ");
    Deno.env.set("SLURM_JOB_ID", job);
    Deno.env.set("SLURM_JOB_CPUS_PER_NODE", `${Number(cpus) / 2}(x2)`);
    return new Allocation(job);
  }

  private constructor(readonly job: string) {}

  launcher(workers?: number): StepLauncher {
    const settings = slurmSettings({
      host: "slurm://",
      ...(workers === undefined ? {} : { workers }),
    });
    const launcher = makeSlurmLauncher(settings, shared.cluster.folder);
    assert(launcher instanceof StepLauncher);
    return launcher;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Deno.env.delete("SLURM_JOB_ID");
    Deno.env.delete("SLURM_JOB_CPUS_PER_NODE");
    await shared.cluster.run("scancel", this.job);
    await shared.cluster.empty();
  }
}

slurmTest("StepLauncher starts agents on the nodes of the job", async () => {
  await using allocation = await Allocation.make("-N2", "--exclusive");
  const { job } = allocation;
  const launcher = allocation.launcher();
  const request = launchRequest({
    command: AGENT,
    workersPerAgent: 4,
    env: { COLOR: `it's "red"` },
  });
  const ids = await launcher.submit(request, signal);
  assertEquals(ids, [`${job}.0.0`, `${job}.0.1`]);
  const { reason } = await untilState(launcher, ids[1]!, "ended");
  assertEquals(reason, "exit code 5");
  assertEquals(await launcher.output(ids[1]!), `it's "red"`);
  assertEquals(shared.cluster.jobProcesses("n2"), []);
  await until(() => shared.cluster.jobProcesses("n1").length > 0);
  await untilState(launcher, ids[0]!, "running");
  // The other one has ended by itself.
  await launcher.cancel([ids[0]!]);
  await untilState(launcher, ids[0]!, "ended");
});

slurmTest("StepLauncher shares the job with its other steps", async () => {
  await using allocation = await Allocation.make("-N2", "--mem-per-cpu=50");
  const first = allocation.launcher(2);
  const second = allocation.launcher(2);
  const request = launchRequest({
    command: ["sh", "-c", "sleep 1000"],
    workersPerAgent: 1,
  });
  const ids = await first.submit({ ...request, name: "first" }, signal);
  const others = await second.submit({ ...request, name: "second" }, signal);
  for (const id of others) await untilState(second, id, "running");
  const [program, ...args] = first.cancelCommand(ids);
  await shared.cluster.run(program!, ...args);
  for (const id of ids) await untilState(first, id, "ended");
  await second.cancel(others);
  await first.cancel(ids);
});

slurmTest("StepLauncher.submit() reports what Slurm refuses", async () => {
  await using allocation = await Allocation.make("-N2");
  const request = launchRequest({ command: AGENT, workersPerAgent: 9 });
  const error = await assertRejects(
    () => allocation.launcher(18).submit(request, signal),
    HostError,
    "More processors requested than permitted",
  );
  assert(error.message.includes("--cpus-per-task=9"));
});

slurmTest(
  "StepLauncher.submit() leaves nothing if it is cancelled",
  async () => {
    await using allocation = await Allocation.make("-N2");
    const controller = new AbortController();
    const submitted = allocation.launcher(2).submit(
      launchRequest({ command: AGENT, workersPerAgent: 1 }),
      controller.signal,
    );
    controller.abort();
    await assertRejects(() => submitted, DOMException);
    await shared.cluster.untilJobs((jobs) => jobs.size === 1);
    await until(() => shared.cluster.jobProcesses().length === 0);
  },
);
