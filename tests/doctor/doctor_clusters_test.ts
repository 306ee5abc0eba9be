import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Report, StepReport } from "../../src/doctor/report.ts";
import { runDoctorWith } from "../helpers/doctor_fixture.ts";
import { gridEngineTest, startGridEngine } from "../helpers/grid_engine.ts";
import { kubeTest } from "../helpers/kube_api.ts";
import { IMAGE, podmanTest } from "../helpers/podman.ts";
import { sharedKube } from "../helpers/shared_kube.ts";
import { sharedSlurm, slurmTest } from "../helpers/slurm_cluster.ts";
import { torqueEnv, torqueTest } from "../helpers/shared_torque.ts";

const slurm = sharedSlurm();
const kube = sharedKube();

/** The steps after the launcher's own. */
const AFTER = [
  ...["job", "workers", "deno"],
  ...["round trip", "throughput", "clock", "machine"],
];

/** Longer than any job takes to run on a busy machine. */
const TIMEOUT = ["--timeout", "120"];

/** Runs the doctor for one host, which it gets as JSON, with its own folder. */
async function diagnose(
  env: Record<string, string>,
  options: Record<string, unknown>,
  ...args: string[]
): Promise<Report["hosts"][0] & { code: number }> {
  const folder = await Deno.makeTempDir({ prefix: "distex-doctor-" });
  try {
    const own = options.folder === undefined ? { folder } : {};
    const spec = JSON.stringify({ ...options, ...own });
    const { code, stdout, stderr } = await runDoctorWith(
      env,
      "--json",
      "--listen-hostname=127.0.0.1",
      ...(args.length === 0 ? TIMEOUT : args),
      spec,
    );
    assertEquals(stderr, "");
    assertEquals([...Deno.readDirSync(folder)], []);
    return { code, ...(JSON.parse(stdout) as Report).hosts[0]! };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Checks that all steps have passed. */
function assertHealthy(
  { code, steps, figures }: Report["hosts"][0] & { code: number },
  ...before: string[]
): void {
  const failed = steps.filter(({ ok }) => ok !== true);
  assertEquals(failed, []);
  assertEquals(code, 0);
  assertEquals(steps.map(({ name }) => name), [...before, ...AFTER]);
  assertEquals(figures.workers, 1);
  assertEquals(figures.cpus, navigator.hardwareConcurrency);
  assertEquals(figures.memory, Deno.systemMemoryInfo().total);
}

/** Checks that one step has failed, and returns it. */
function theFailure(
  { code, steps }: Report["hosts"][0] & { code: number },
  name: string,
): StepReport {
  const failed = steps.filter(({ ok }) => ok === false);
  assertEquals(failed.map(({ name }) => name), [name]);
  assertEquals(code, 1);
  return failed[0]!;
}

slurmTest("doctor checks Slurm by one job", async () => {
  const report = await diagnose({}, { host: "slurm://main/64" });
  assertEquals([report.spec, report.kind], ["slurm://main/64", "slurm"]);
  assertHealthy(report, "launcher", "queue", "folder");
  assertEquals(
    report.steps[1]!.detail,
    "main: 2 nodes, time limit 1:00:00",
  );
  await slurm.cluster.empty();
});

slurmTest("doctor reports a partition that doesn't exist", async () => {
  const report = await diagnose({}, { host: "slurm://nowhere" });
  const { detail, hint } = theFailure(report, "queue");
  assertEquals(
    detail,
    "there is no partition 'nowhere', but main, tiny, urgent",
  );
  assertEquals(hint, "'sinfo' lists what you may use");
});

slurmTest("doctor reports a job that Slurm refuses", async () => {
  const report = await diagnose({}, { host: "slurm://main", memory: "9999T" });
  const { detail, hint } = theFailure(report, "job");
  assertStringIncludes(detail, "Memory specification can not be satisfied");
  assertStringIncludes(hint!, '"account": "…"');
});

slurmTest("doctor reports why a job waits", async () => {
  const options = { host: "slurm://main", sbatchArgs: ["--hold"] };
  const report = await diagnose({}, options, "--timeout", "5");
  const { detail, hint } = theFailure(report, "workers");
  assertEquals(detail, "the job still waits after 5 s (JobHeldUser)");
  assertStringIncludes(hint!, "'squeue --me' shows more");
  await slurm.cluster.empty();
});

slurmTest("doctor reports why an agent has failed", async () => {
  const options = { host: "slurm://main", deno: "/no/such/deno" };
  const report = await diagnose({}, options);
  const { detail } = theFailure(report, "workers");
  assertStringIncludes(detail, "/no/such/deno: not found");
  await slurm.cluster.empty();
});

slurmTest("doctor reports a folder that can't be made", async () => {
  const options = { host: "slurm://main", folder: "/proc/jobs" };
  const { hint } = theFailure(await diagnose({}, options), "folder");
  assertStringIncludes(hint!, "share");
});

slurmTest("doctor reports an address that it can't listen on", async () => {
  const options = { host: "slurm://main" };
  const report = await diagnose(
    {},
    options,
    "--listen-hostname=192.0.2.1",
    ...TIMEOUT,
  );
  const { detail, hint } = theFailure(report, "job");
  assertStringIncludes(detail, "can't listen on 192.0.2.1");
  assertStringIncludes(hint!, "--listen-hostname");
});

Deno.test("doctor reports that the commands of a batch system are missing", async () => {
  const env = { PATH: "/no/such/folder" };
  const report = await diagnose(env, { host: "slurm://main" });
  const { detail, hint } = theFailure(report, "launcher");
  assertEquals(detail, "there is no program 'sbatch' in the PATH");
  assertStringIncludes(hint!, "login node");
});

torqueTest("doctor checks PBS by one job", async () => {
  const env = torqueEnv(slurm.cluster);
  const report = await diagnose(env, { host: "pbs://main" });
  assertHealthy(report, "launcher", "queue", "folder");
  const missing = await diagnose(env, { host: "pbs://nowhere" });
  assertEquals(
    theFailure(missing, "queue").detail,
    "there is no queue 'nowhere'",
  );
  await slurm.cluster.empty();
});

gridEngineTest("doctor checks Grid Engine by one job", async () => {
  await using engine = await startGridEngine();
  const report = await diagnose(engine.env, { host: "sge://all.q" });
  assertHealthy(report, "launcher", "queue", "folder");
  const missing = await diagnose(engine.env, { host: "sge://nowhere" });
  assertEquals(
    theFailure(missing, "queue").detail,
    "there is no queue 'nowhere'",
  );
});

kubeTest("doctor checks Kubernetes by one Job", async () => {
  const { kubectlArgs } = kube;
  const options = { host: "kubernetes://batch", kubectlArgs };
  const report = await diagnose({}, {
    ...options,
    image: "denoland/deno",
    deno: Deno.execPath(),
  });
  assertHealthy(report, "launcher", "queue");
  const absent = { ...options, kubectlArgs: ["--kubeconfig=/no/such/file"] };
  theFailure(await diagnose({}, absent), "launcher");
});

podmanTest("doctor checks Podman by one container", async () => {
  const host = `podman://${IMAGE}`;
  const report = await diagnose({}, {
    host,
    deno: Deno.execPath(),
    network: "host",
  });
  assertHealthy(report, "launcher", "image", "folder");
  assertEquals(report.steps[1]!.detail, `${IMAGE} is here`);
});

Deno.test("doctor checks any launcher by one agent", async () => {
  const launch = ["sh", "-c", "exec {command}"];
  const report = await diagnose({}, { launch, workers: 8 });
  assertEquals([report.spec, report.kind], ["sh", "launch"]);
  assertHealthy(report, "launcher", "folder");
});

Deno.test("doctor reports a launcher that doesn't exist", async () => {
  for (const program of ["no-such-program", "/no/such/program"]) {
    const launch = [program, "{command}"];
    const report = await diagnose({}, { launch, workers: 8 });
    const { detail } = theFailure(report, "launcher");
    assertStringIncludes(detail, program);
  }
});
