import { assert, assertEquals, assertRejects } from "@std/assert";
import { HostError } from "../../../mod.ts";
import { SlurmLauncher } from "../../../src/hosts/slurm/slurm_launcher.ts";
import {
  type SlurmOptions,
  slurmSettings,
} from "../../../src/options/slurm_options.ts";
import { launchRequest, untilState } from "../../helpers/launchers.ts";
import { sharedSlurm, slurmTest } from "../../helpers/slurm_cluster.ts";

const shared = sharedSlurm();

/** Stands for an agent: ends with an exit code on SIGTERM. */
const AGENT = ["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done"];

/** Stands for an agent that ends at once and shows what it got. */
const PRINT = ["sh", "-c", 'echo "$0 $* $COLOR $PWD"; sleep 0.2; exit 4'];

function makeLauncher(options: Partial<SlurmOptions> = {}): SlurmLauncher {
  const settings = slurmSettings({ host: "slurm://main/4", ...options });
  return new SlurmLauncher(settings, shared.cluster.folder);
}

const { signal } = new AbortController();

slurmTest(
  "SlurmLauncher.submit() starts agents by one array of jobs",
  async () => {
    const launcher = makeLauncher();
    const env = { COLOR: `it's "red"` };
    const ids = await launcher.submit(
      launchRequest({ command: PRINT, env }),
      signal,
    );
    const [job] = ids[0]!.split("_");
    assertEquals(ids, [`${job}_0`, `${job}_1`]);
    for (const id of ids) {
      const { reason } = await untilState(launcher, id, "ended");
      assertEquals(reason, "FAILED (NonZeroExitCode)");
      assertEquals(
        await launcher.output(id),
        `--job ${id} it's "red" ${Deno.cwd()}`,
      );
    }
    await shared.cluster.empty();
  },
);

slurmTest("SlurmLauncher.submit() asks for what the options say", async () => {
  const launcher = makeLauncher({
    time: "3:00",
    cpus: 2,
    memory: "150M",
    sbatchArgs: ["--comment=hello", "--hold"],
  });
  const request = launchRequest({ command: AGENT, workersPerAgent: 2 });
  const [id] = await launcher.submit(request, signal);
  const { cluster } = shared;
  const job = await cluster.run("scontrol", "show", "job", id!);
  for (
    const field of [
      "JobName=pool-1",
      "TimeLimit=00:03:00",
      "NumCPUs=4",
      "CPUs/Task=4",
      "MinMemoryNode=300M",
      "Comment=hello",
      "Partition=main",
      "Requeue=1",
    ]
  ) assert(job.includes(field), field);
  assertEquals(
    (await launcher.query([id!], signal)).get(id!),
    { state: "pending", reason: "JobHeldUser" },
  );
  await launcher.cancel([id!]);
  await cluster.untilJobs((jobs) => jobs.size === 1);
  await cluster.run("scancel", id!.split("_")[0]!);
  await cluster.empty();
});

slurmTest(
  "SlurmLauncher.query() reports pending, running and ended agents",
  async () => {
    const launcher = makeLauncher({ cpus: 4 });
    const request = launchRequest({
      command: AGENT,
      agents: 3,
      workersPerAgent: 1,
    });
    const [first, second, third] = await launcher.submit(request, signal);
    await untilState(launcher, first!, "running");
    await untilState(launcher, second!, "running");
    await shared.cluster.untilJobs((jobs) => jobs.get(third!) === "PENDING");
    await shared.cluster.until(async () => {
      const states = await launcher.query([third!], signal);
      const { state, reason } = states.get(third!)!;
      return state === "pending" && reason === "Resources";
    });
    await launcher.cancel([first!]);
    await untilState(launcher, third!, "running");
    const states = await launcher.query([first!, second!, "99_0"], signal);
    assertEquals(states.get(first!)?.state, "ended");
    assertEquals(states.get(second!)?.state, "running");
    assertEquals(states.has("99_0"), false);
    // It doesn't matter that the first one has ended.
    await launcher.cancel([first!, second!, third!]);
    await shared.cluster.empty();
  },
);

slurmTest(
  "SlurmLauncher.cancelCommand() ends what wasn't cancelled",
  async () => {
    const launcher = makeLauncher();
    const ids = await launcher.submit(
      launchRequest({ command: AGENT, agents: 9 }),
      signal,
    );
    const [program, ...args] = launcher.cancelCommand(ids);
    await shared.cluster.run(program!, ...args);
    await shared.cluster.empty();
  },
);

slurmTest(
  "SlurmLauncher.submit() starts agents by one job if 'array' is false",
  async () => {
    const launcher = makeLauncher({ array: false, memory: "50M", time: "9" });
    const request = launchRequest({
      command: ["sh", "-c", `[ "$2" = 540 ] && ${AGENT[2]}`],
      agents: 4,
      workersPerAgent: 2,
    });
    const ids = await launcher.submit(request, signal);
    const [job] = ids[0]!.split(".");
    assertEquals(ids, [0, 1, 2, 3].map((task) => `${job}.${task}`));
    for (const id of ids) await untilState(launcher, id, "running");
    const text = await shared.cluster.run("scontrol", "show", "job", job!);
    assert(text.includes("NumTasks=4 CPUs/Task=2"));
    assert(text.includes("MinMemoryCPU=50M"));
    // The others still run.
    await launcher.cancel(ids.slice(0, 3));
    assertEquals((await shared.cluster.jobs()).get(job!), "RUNNING");
    await launcher.cancel(ids.slice(3));
    await shared.cluster.empty();
    const { reason } = await untilState(launcher, ids[0]!, "ended");
    assertEquals(reason, "CANCELLED");
  },
);

slurmTest(
  "SlurmLauncher.query() reports tasks of one job that have ended",
  async () => {
    const launcher = makeLauncher({ array: false });
    const command = [
      "sh",
      "-c",
      'case $2 in *.1) echo bye; exit 5;; esac; trap "exit 0" TERM; while :; do sleep 0.1; done',
      "agent",
    ];
    const ids = await launcher.submit(launchRequest({ command }), signal);
    const { reason } = await untilState(launcher, ids[1]!, "ended");
    assertEquals(reason, "exit code 5");
    assertEquals(await launcher.output(ids[1]!), "bye");
    await untilState(launcher, ids[0]!, "running");
    // The other one has ended by itself.
    await launcher.cancel([ids[0]!]);
    await shared.cluster.empty();
  },
);

slurmTest(
  "SlurmLauncher.submit() names the argument that Slurm refuses",
  async () => {
    const request = launchRequest({ command: AGENT });
    const cases: [Partial<SlurmOptions>, string, string][] = [
      [
        { host: "slurm://nope/2" },
        "--partition=nope",
        "Invalid partition name specified",
      ],
      [
        { constraint: "gpu" },
        "--constraint=gpu",
        "Invalid feature specification",
      ],
      [{ gres: "gpu:1" }, "--gres=gpu:1", "Invalid generic resource"],
      [{ sbatchArgs: ["--nope"] }, "--nope", "unrecognized option"],
    ];
    for (const [options, argument, words] of cases) {
      const error = await assertRejects(
        () => makeLauncher(options).submit(request, signal),
        HostError,
        words,
      );
      assert(error.message.includes(` ${argument} `), error.message);
      assertEquals(error.step, "launcher");
    }
    // There can be 101 agents in an array here.
    await assertRejects(
      () => makeLauncher().submit({ ...request, agents: 102 }, signal),
      HostError,
      "Invalid job array specification",
    );
    assertEquals((await shared.cluster.jobs()).size, 0);
  },
);

slurmTest("SlurmLauncher.submit() says so if there is no sbatch", async () => {
  const path = Deno.env.get("PATH")!;
  Deno.env.set("PATH", shared.cluster.folder);
  try {
    await assertRejects(
      () => makeLauncher().submit(launchRequest(), signal),
      HostError,
      "there is no program 'sbatch' in the PATH",
    );
  } finally {
    Deno.env.set("PATH", path);
  }
});

slurmTest(
  "SlurmLauncher.submit() leaves nothing if it is cancelled",
  async () => {
    const launcher = makeLauncher();
    const controller = new AbortController();
    const reason = new Error("enough");
    const submitted = launcher.submit(
      launchRequest({ command: AGENT }),
      controller.signal,
    );
    controller.abort(reason);
    const error = await assertRejects(() => submitted);
    assertEquals(error, reason);
    await shared.cluster.empty();
  },
);
