import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HostError } from "../../../src/errors/host_error.ts";
import type { LaunchRequest } from "../../../src/hosts/launch/launcher.ts";
import { PbsLauncher } from "../../../src/hosts/pbs/pbs_launcher.ts";
import {
  type PbsOptions,
  pbsSettings,
} from "../../../src/options/pbs_options.ts";
import { Environment } from "../../helpers/environment.ts";
import { exists } from "../../helpers/processes.ts";
import { SlurmCluster } from "../../helpers/slurm_cluster.ts";
import { torqueEnv, torqueTest } from "../../helpers/shared_torque.ts";
import { untilStates } from "../../helpers/launchers.ts";

const { signal } = new AbortController();

/** Stands for an agent: it writes its arguments to its output, and waits. */
const WAIT = ["sh", "-c", 'echo "agent $@"; exec sleep 1000', "sh"];

function requestOf(
  agents: number,
  others: Partial<LaunchRequest> = {},
): LaunchRequest {
  return {
    name: "distex-test-of-pbs",
    agents,
    workersPerAgent: 1,
    command: WAIT,
    env: {},
    files: [],
    ...others,
  };
}

function launcherOf(
  folder: string,
  options: Partial<PbsOptions> = {},
): PbsLauncher {
  const host = "pbs://main/2";
  return new PbsLauncher(pbsSettings({ host, ...options }), folder);
}

/** Waits until agents have written their output. */
async function started(
  launcher: PbsLauncher,
  ids: readonly string[],
): Promise<void> {
  await untilStates(
    launcher,
    ids,
    (states) =>
      ids.every((id) => states.get(id)?.state === "running") &&
      ids.every((id) => isWritten(`${launcher.folder}/${id}.out`)),
  );
}

function isWritten(path: string): boolean {
  return exists(path) && Deno.statSync(path).size > 0;
}

const OPTIONS: Partial<PbsOptions> = {
  host: "pbs://short/8",
  account: "biology",
  time: "1:30:00",
  cpus: 2,
  memory: "512mb",
  workersPerJob: 4,
  resourceList: { software: "matlab" },
  qsubArgs: ["-p", "-100"],
};

/** Returns the commands of a plan for an array of two jobs. */
function commandsOf(
  options: Partial<PbsOptions>,
  agents = 2,
): (readonly string[])[] {
  const launcher = launcherOf("/home/me/jobs", { ...OPTIONS, ...options });
  const request = requestOf(agents, { workersPerAgent: 4 });
  return launcher.plan(request).commands.map(({ args }) => args);
}

const SCRIPT = "/home/me/jobs/distex-test-of-pbs.sh";
const NAME = ["-N", "distex-test-of-"];
const OUTPUT = ["-o", "/dev/null", "-j", "oe"];
const PLACE = ["-q", "short", "-A", "biology"];

Deno.test("PbsLauncher.plan() returns one array of OpenPBS", () => {
  const resources = "select=1:ncpus=8:mem=2048mb,walltime=5400,software=matlab";
  const before = [...PLACE, "-l", resources, "-r", "y", "-S", "/bin/sh"];
  const args = ["qsub", ...before, "-p", "-100", ...NAME, ...OUTPUT];
  assertEquals(commandsOf({ dialect: "openpbs" }), [
    [...args, "-J", "1-2", SCRIPT],
  ]);
  // Arrays have at least two jobs.
  assertEquals(commandsOf({ dialect: "openpbs" }, 1), [[...args, SCRIPT]]);
});

Deno.test("PbsLauncher.plan() returns one array of Torque", () => {
  const resources = "nodes=1:ppn=8,mem=2048mb,walltime=5400,software=matlab";
  const before = [...PLACE, "-l", resources, "-r", "y", "-S", "/bin/sh"];
  const args = ["qsub", ...before, "-p", "-100", ...NAME, ...OUTPUT];
  assertEquals(commandsOf({ dialect: "torque" }), [
    [...args, "-t", "1-2", SCRIPT],
  ]);
});

Deno.test("PbsLauncher.plan() returns separate jobs of Slurm", () => {
  const resources = "nodes=1:ppn=8,mem=2048mb,walltime=5400,software=matlab";
  const before = [...PLACE, "-l", resources, "-r", "y", "-p", "-100"];
  const args = ["qsub", ...before, ...NAME, ...OUTPUT, SCRIPT];
  assertEquals(commandsOf({ dialect: "slurm" }), [args, args]);
});

Deno.test("PbsLauncher.plan() leaves CPUs to the option resourceList", () => {
  const resourceList = { select: "1:ncpus=4:ngpus=1" };
  const [args] = commandsOf({ dialect: "openpbs", resourceList });
  assertEquals(
    args!.find((arg) => arg.includes("select")),
    "walltime=5400,select=1:ncpus=4:ngpus=1",
  );
});

Deno.test("PbsLauncher.plan() returns the script, without secrets", () => {
  const launcher = launcherOf("/home/it's/jobs", {
    ...OPTIONS,
    dialect: "openpbs",
  });
  const { files } = launcher.plan(requestOf(1, {
    command: ["deno", "run"],
    env: { GREETING: "it's me" },
    files: [{ name: "token", text: "secret", isSecret: true }],
  }));
  assertEquals(files, [
    { path: "/home/it's/jobs/token", mode: 0o600, text: "(secret)" },
    {
      path: "/home/it's/jobs/distex-test-of-pbs.sh",
      mode: 0o700,
      text: `#!/bin/sh
job=\${PBS_JOBID%%.*}
exec >'/home/it'\\''s/jobs'/"$job".out 2>&1
export GREETING='it'\\''s me'
exec deno run --wall-time 5400 --job "$job"
`,
    },
  ]);
});

/** Commands of PBS that only answer, as recorded. */
async function fakeCommands(
  commands: Readonly<Record<string, string>>,
): Promise<Environment & { folder: string }> {
  const folder = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(commands)) {
    const path = `${folder}/${name}`;
    await Deno.writeTextFile(path, `#!/bin/sh\n${text}`, { mode: 0o755 });
  }
  const PATH = `${folder}:${Deno.env.get("PATH")}`;
  return Object.assign(new Environment({ PATH }), { folder });
}

Deno.test("PbsLauncher works with an array of OpenPBS", async () => {
  const commands = await fakeCommands({
    qstat: `[ "$1" = --version ] && { echo "pbs_version = 23.06.06"; exit; }
echo "$@" >>"$(dirname "$0")/asked"
printf 'Job Id: 7[].pbs\\n    job_state = B\\n    comment = Not enough\\n'
printf 'Job Id: 7[1].pbs\\n    job_state = R\\n'
printf 'Job Id: 7[2].pbs\\n    job_state = Q\\n'
printf 'Job Id: 7[3].pbs\\n    job_state = X\\n    Exit_status = 1\\n'
echo 'qstat: Unknown Job Id 9.pbs' >&2
exit 153`,
    qsub: 'echo "$@" >"$(dirname "$0")/submitted"; echo "7[].pbs"',
    qdel: 'echo "$@" >"$(dirname "$0")/deleted"',
  });
  const { folder } = commands;
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  try {
    const launcher = launcherOf(folder);
    const ids = await launcher.submit(requestOf(3), signal);
    assertEquals(ids, ["7[1]", "7[2]", "7[3]"]);
    assertStringIncludes(await read("submitted"), " -J 1-3 ");
    assertEquals(
      await launcher.query([...ids, "9"], signal),
      new Map([
        ["7[1]", { state: "running", reason: "" }],
        ["7[2]", { state: "pending", reason: "Not enough" }],
        ["7[3]", { state: "ended", reason: "exit status 1" }],
      ]),
    );
    assertEquals(await read("asked"), "-f -t 7[] 9\n");
    await launcher.cancel(ids);
    assertEquals(await read("deleted"), "7[1-3]\n");
  } finally {
    commands[Symbol.dispose]();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("PbsLauncher works with an array of Torque", async () => {
  const commands = await fakeCommands({
    qstat: `[ "$1" = --version ] && { echo "Version: 6.1.3" >&2; exit; }
printf 'Job Id: 7[1].host\\n    job_state = C\\n    exit_status = 271\\n'
printf 'Job Id: 7[2].host\\n    job_state = H\\n'`,
    qsub: 'echo "$@" >"$(dirname "$0")/submitted"; echo "7[].host"',
    qdel: 'echo "$@" >"$(dirname "$0")/deleted"; exit 1',
  });
  const { folder } = commands;
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  try {
    const launcher = launcherOf(folder);
    const ids = await launcher.submit(requestOf(2), signal);
    assertEquals(ids, ["7[1]", "7[2]"]);
    assertStringIncludes(await read("submitted"), " -t 1-2 ");
    assertEquals(
      await launcher.query(ids, signal),
      new Map([
        ["7[1]", { state: "ended", reason: "exit status 271" }],
        ["7[2]", { state: "pending", reason: "H" }],
      ]),
    );
    await assertRejects(() => launcher.cancel(ids), HostError, "qdel");
    assertEquals(await read("deleted"), "7[1] 7[2]\n");
    await launcher.cancel(["7[1]"]);
  } finally {
    commands[Symbol.dispose]();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("PbsLauncher.submit() leaves nothing if one of its jobs is refused", async () => {
  const commands = await fakeCommands({
    qsub: `cd "$(dirname "$0")"
echo x >>count
[ "$(wc -l <count)" -lt 3 ] || { echo "qsub: the queue is full"; exit 1; }
wc -l <count`,
    qdel: 'echo "$@" >"$(dirname "$0")/deleted"',
  });
  const { folder } = commands;
  try {
    const launcher = launcherOf(folder, { dialect: "slurm" });
    await assertRejects(
      () => launcher.submit(requestOf(4), signal),
      HostError,
      "PBS refuses a command of the pool: qsub: the queue is full",
    );
    assertEquals(await Deno.readTextFile(`${folder}/deleted`), "1 2\n");
  } finally {
    commands[Symbol.dispose]();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("PbsLauncher.submit() throws if the system is unknown", async () => {
  const commands = await fakeCommands({
    qstat: "echo qstat: unknown option >&2; exit 2",
    qsub: "exit 2",
  });
  try {
    await assertRejects(
      () => launcherOf(commands.folder).submit(requestOf(1), signal),
      HostError,
      "set the option 'dialect'",
    );
  } finally {
    commands[Symbol.dispose]();
    await Deno.remove(commands.folder, { recursive: true });
  }
});

Deno.test("PbsLauncher throws if there is no PBS", async () => {
  using _ = new Environment({ PATH: "/nonexistent" });
  await assertRejects(
    () => launcherOf("/tmp").submit(requestOf(1), signal),
    HostError,
    "Can't use the host main: there is no program 'qstat' in the PATH",
  );
});

torqueTest(
  "PbsLauncher starts, queries and cancels agents in jobs of Slurm",
  async () => {
    await using cluster = await SlurmCluster.start();
    using _ = new Environment(torqueEnv(cluster));
    const folder = `${cluster.folder}/it's a folder`;
    await Deno.mkdir(folder);
    const launcher = launcherOf(folder, {
      memory: "100mb",
      time: "600",
      qsubArgs: ["-p", "1"],
    });
    const ids = await launcher.submit(requestOf(3), signal);
    assertEquals([...(await cluster.jobs()).keys()].sort(), ids.toSorted());
    await started(launcher, ids);
    assertEquals(
      await launcher.output(ids[0]!),
      `agent --wall-time 600 --job ${ids[0]}`,
    );
    await launcher.cancel([ids[1]!]);
    const states = await untilStates(
      launcher,
      ids,
      (states) => states.get(ids[1]!)?.state === "ended",
    );
    assertEquals(states.get(ids[0]!), { state: "running", reason: "" });
    // One of them has ended.
    await launcher.cancel(ids);
    await cluster.empty();
    await launcher.cancel(ids);
  },
);

torqueTest("PbsLauncher.submit() throws Slurm's words", async () => {
  await using cluster = await SlurmCluster.start();
  using _ = new Environment(torqueEnv(cluster));
  const launcher = launcherOf(cluster.folder, { host: "pbs://none/1" });
  await assertRejects(
    () => launcher.submit(requestOf(1), signal),
    HostError,
    "invalid partition specified: none",
  );
});
