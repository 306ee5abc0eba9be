import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { HostError } from "../../../src/errors/host_error.ts";
import type {
  AgentState,
  LaunchRequest,
} from "../../../src/hosts/launch/launcher.ts";
import { GridEngineLauncher } from "../../../src/hosts/sge/grid_engine_launcher.ts";
import {
  type SgeOptions,
  sgeSettings,
} from "../../../src/options/sge_options.ts";
import { Environment } from "../../helpers/environment.ts";
import {
  type GridEngine,
  gridEngineTest,
  sharedGridEngine,
  startGridEngine,
} from "../../helpers/grid_engine.ts";
import { exists, until } from "../../helpers/processes.ts";
import { realDelay } from "../../helpers/real_timers.ts";
import { untilStates } from "../../helpers/launchers.ts";

const shared = sharedGridEngine();

const { signal } = new AbortController();

/** Stands for an agent: it writes its arguments to its output, and waits. */
const WAIT = ["sh", "-c", 'echo "agent $@"; exec sleep 1000', "sh"];

function requestOf(
  agents: number,
  others: Partial<LaunchRequest> = {},
): LaunchRequest {
  const name = "distex-test";
  return {
    name,
    agents,
    workersPerAgent: 1,
    command: WAIT,
    env: {},
    files: [],
    ...others,
  };
}

function launcherOf(
  { folder }: { folder: string },
  options: Partial<SgeOptions> = {},
): GridEngineLauncher {
  const host = "sge://all.q/2";
  return new GridEngineLauncher(sgeSettings({ host, ...options }), folder);
}

/** Waits until all agents run. */
async function running(
  launcher: GridEngineLauncher,
  ids: readonly string[],
): Promise<void> {
  await untilStates(
    launcher,
    ids,
    (states) =>
      ids.every((id) => states.get(id)?.state === "running") &&
      ids.every((id) => exists(`${launcher.folder}/${id}.out`)),
  );
}

Deno.test("GridEngineLauncher.plan() returns the command and its script", () => {
  const launcher = launcherOf({ folder: "/home/me/jobs" }, {
    host: "sge://short.q/8",
    project: "biology",
    time: "1:30:00",
    cpus: 2,
    pe: "smp",
    workersPerJob: 4,
    resourceList: { mem_free: "4G", gpu: 1, exclusive: true },
    qsubArgs: ["-p", "-100"],
  });
  const request = requestOf(2, {
    workersPerAgent: 4,
    env: { GREETING: "it's me" },
    files: [{ name: "token", text: "secret", isSecret: true }],
  });
  const { files, commands } = launcher.plan(request);
  assertEquals(files, [
    { path: "/home/me/jobs/token", mode: 0o600, text: "(secret)" },
  ]);
  assertEquals(commands.map(({ args }) => args), [[
    "qsub",
    ...["-q", "short.q"],
    ...["-P", "biology"],
    ...["-pe", "smp", "8"],
    ...["-l", "h_rt=5400,mem_free=4G,gpu=1,exclusive=true"],
    ...["-r", "y"],
    ...["-p", "-100"],
    "-terse",
    ...["-C", ""],
    ...["-S", "/bin/sh"],
    ...["-N", "distex-test"],
    ...["-t", "1-2"],
    ...["-o", "/home/me/jobs/$JOB_ID.$TASK_ID.out", "-j", "y"],
  ]]);
  const { input = "" } = commands[0]!;
  assertStringIncludes(input, `export GREETING='it'\\''s me'\n`);
  assertStringIncludes(
    input,
    `--wall-time 5400 --job "$JOB_ID.$SGE_TASK_ID" &\n`,
  );
});

gridEngineTest(
  "GridEngineLauncher starts, queries and cancels agents",
  async () => {
    const { engine } = shared;
    const launcher = launcherOf(engine);
    const ids = await launcher.submit(
      requestOf(3, { env: { A: "#$ -q none\n#$ -t 7" } }),
      signal,
    );
    assertEquals(ids.length, 3);
    await running(launcher, ids);
    await until(() =>
      exists(`${engine.folder}/${ids[0]}.out`) &&
      Deno.readTextFileSync(`${engine.folder}/${ids[0]}.out`) !== ""
    );
    assertEquals(await launcher.output(ids[0]!), `agent --job ${ids[0]}`);

    await launcher.cancel([ids[1]!]);
    await untilStates(launcher, ids, (states) => !states.has(ids[1]!));
    assertEquals([...(await launcher.query(ids, signal)).keys()], [
      ids[0],
      ids[2],
    ]);
    // One of them has ended.
    await launcher.cancel(ids);
    await untilStates(launcher, ids, (states) => states.size === 0);
    await launcher.cancel(ids);
    assertEquals(await engine.tasks(), new Map());
  },
);

gridEngineTest(
  "GridEngineLauncher.query() returns why agents wait",
  async () => {
    const { engine } = shared;
    const launcher = launcherOf(engine, { host: "sge://tiny.q/2" });
    const ids = await launcher.submit(requestOf(2), signal);
    const isFull = (states: ReadonlyMap<string, AgentState>) =>
      states.get(ids[0]!)?.state === "running" &&
      /full/.test(states.get(ids[1]!)!.reason);
    const states = await untilStates(launcher, ids, isFull);
    assertEquals(states.get(ids[0]!), { state: "running", reason: "" });
    assertEquals(states.get(ids[1]!), {
      state: "pending",
      reason: 'queue instance "tiny.q@localhost" dropped because it is full',
    });
    await engine.run("qmod", "-d", "tiny.q");
    await untilStates(
      launcher,
      ids,
      (states) => /is disabled/.test(states.get(ids[1]!)!.reason),
    );
    await engine.run("qmod", "-e", "tiny.q");
    await launcher.cancel(ids);
    await queued(engine, 0);
  },
);

gridEngineTest(
  "GridEngineLauncher.query() ends agents that can't be started",
  async () => {
    const { engine } = shared;
    const folder = `${engine.folder}/missing`;
    const launcher = launcherOf({ folder });
    const ids = await launcher.submit(requestOf(2), signal);
    const ended = new Map<string, AgentState>();
    await untilStates(launcher, ids, (states) => {
      for (const [id, state] of states) {
        if (state.state === "ended") ended.set(id, state);
      }
      return ended.size === 2;
    });
    assertStringIncludes(
      ended.get(ids[1]!)!.reason,
      `can't open output file "${folder}/${ids[1]}.out"`,
    );
    assertEquals(await engine.tasks(), new Map());
  },
);

gridEngineTest(
  "GridEngineLauncher.submit() throws Grid Engine's words, and leaves nothing",
  async () => {
    const { engine } = shared;
    const cases: [Partial<SgeOptions>, string][] = [
      [{ host: "sge://no.q/1" }, 'unknown queue "no.q"'],
      [{ project: "nope" }, 'project "nope" does not exist'],
      [{ pe: "mpi" }, 'parallel environment "mpi" does not exist'],
      [{ resourceList: { gpu: 1 } }, 'unknown resource "gpu"'],
    ];
    for (const [options, words] of cases) {
      const launcher = launcherOf(engine, options);
      const error = await assertRejects(
        () => launcher.submit(requestOf(1), signal),
        HostError,
        words,
      );
      assertEquals(error.step, "launcher");
    }
    assertEquals(await engine.tasks(), new Map());
  },
);

gridEngineTest(
  "GridEngineLauncher.submit() leaves nothing of a job with a warning",
  async () => {
    await using engine = await startGridEngine();
    using _ = new Environment(engine.env);
    await engine.run("qconf", "-dq", "all.q");
    await engine.run("qconf", "-dq", "tiny.q");
    const launcher = launcherOf(engine, { host: "sge:///1" });
    await assertRejects(
      () => launcher.submit(requestOf(1), signal),
      HostError,
      "is not allowed to run in any queue",
    );
    assertEquals(await engine.tasks(), new Map());
  },
);

gridEngineTest(
  "GridEngineLauncher.submit() leaves nothing when it is cancelled",
  async () => {
    const { engine } = shared;
    const controller = new AbortController();
    const submitted = launcherOf(engine).submit(
      requestOf(2),
      controller.signal,
    );
    const reason = new Error("enough");
    controller.abort(reason);
    assertEquals(await assertRejects(() => submitted), reason);
    await queued(engine, 0);
  },
);

/** Waits until a number of tasks is in the queues. */
async function queued(engine: GridEngine, count: number): Promise<void> {
  while ((await engine.tasks()).size !== count) await realDelay(50);
}

gridEngineTest(
  "GridEngineLauncher.cancel() deletes agents whose machine is down",
  async () => {
    await using engine = await startGridEngine();
    using _ = new Environment(engine.env);
    const launcher = launcherOf(engine);
    const ids = await launcher.submit(requestOf(2), signal);
    await running(launcher, ids);
    await engine.killExecd();
    await launcher.cancel(ids);
    assert(
      [...(await engine.tasks()).values()].every((state) =>
        state.startsWith("d")
      ),
    );
  },
);

gridEngineTest(
  "GridEngineLauncher finds an agent again whose job was rescheduled",
  async () => {
    const { engine } = shared;
    const launcher = launcherOf(engine);
    const [id] = await launcher.submit(requestOf(1), signal);
    await running(launcher, [id!]);
    await engine.run("qmod", "-d", "all.q");
    await engine.run("qmod", "-rj", id!);
    await untilStates(
      launcher,
      [id!],
      (states) => states.get(id!)?.state === "pending",
    );
    await engine.run("qmod", "-e", "all.q");
    await running(launcher, [id!]);
    await launcher.cancel([id!]);
    await queued(engine, 0);
  },
);

Deno.test("GridEngineLauncher throws if there is no Grid Engine", async () => {
  using _ = new Environment({ PATH: "/nonexistent" });
  const launcher = launcherOf({ folder: "/tmp" });
  await assertRejects(
    () => launcher.submit(requestOf(1), signal),
    HostError,
    "Can't use the host all.q: there is no program 'qsub' in the PATH",
  );
});
