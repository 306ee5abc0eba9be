import { assert, assertEquals, assertRejects } from "@std/assert";
import { Pool, WorkerLostError } from "../../../mod.ts";
import { gridEngineTest, sharedGridEngine } from "../../helpers/grid_engine.ts";
import { hostOf, sgeOptions, untilWorkers } from "../../helpers/batch_pools.ts";
import { HeldTasks } from "../../helpers/held_tasks.ts";
import { exists, until } from "../../helpers/processes.ts";
import { realDelay } from "../../helpers/real_timers.ts";
import { killPool } from "../../helpers/launchers.ts";

const shared = sharedGridEngine();

const XS = Array.from({ length: 20 }, (_, x) => x);

/** Returns the ids of the tasks where a pool's workers run. */
async function taskIds(pool: Pool): Promise<string[]> {
  const ids = await pool.runOnAll(() =>
    `${Deno.env.get("JOB_ID")}.${Deno.env.get("SGE_TASK_ID")}`
  );
  return ids.sort();
}

/** Waits until the tasks are as expected. */
async function untilTasks(
  condition: (tasks: ReadonlyMap<string, string>) => boolean,
): Promise<void> {
  while (!condition(await shared.engine.tasks())) await realDelay(50);
}

for (const which of ["a task", "the whole job"] as const) {
  gridEngineTest(
    `a pool repeats the calls of ${which} that was deleted, and asks for another`,
    async () => {
      await using held = new HeldTasks([0, 1], "sync");
      await using pool = new Pool({
        ...sgeOptions(shared.engine),
        prefetch: 0,
      });
      await untilWorkers(pool, 2);
      const before = await taskIds(pool);
      const calls = XS.map((x) => pool.with({ retries: 1 }).run(held.task, x));
      await held.held(0, 1);
      const deleted = which === "a task" ? before.slice(1) : before;
      await shared.engine.run("qdel", ...deleted);
      await until(() => hostOf(pool).lost === deleted.length);
      await until(() => held.begun.length >= 2 + deleted.length);
      held.release(0, 1);
      assertEquals(await Promise.all(calls), XS);
      await untilWorkers(pool, 2);
      const after = await taskIds(pool);
      assert(!deleted.some((id) => after.includes(id)));
    },
  );
}

gridEngineTest(
  "a pool rejects a call whose task was deleted, if it may not repeat it",
  async () => {
    await using held = new HeldTasks([0]);
    await using pool = new Pool(sgeOptions(shared.engine));
    await untilWorkers(pool, 2);
    const before = await taskIds(pool);
    const call = pool.run(held.task, 0);
    await held.held(0);
    const rejected = assertRejects(() => call, WorkerLostError);
    await shared.engine.run("qdel", ...before);
    await rejected;
  },
);

gridEngineTest(
  "a pool loses nothing when its tasks are deleted with notice",
  async () => {
    await using held = new HeldTasks([0, 1]);
    const qsubArgs = ["-notify"];
    await using pool = new Pool(sgeOptions(shared.engine, { qsubArgs }));
    await untilWorkers(pool, 2);
    const before = await taskIds(pool);
    const calls = XS.map((x) => pool.run(held.task, x));
    await held.held(0, 1);
    await shared.engine.run("qdel", ...before);
    await untilTasks((tasks) => before.every((id) => tasks.get(id) === "dr"));
    held.release(0, 1);
    assertEquals(await Promise.all(calls), XS);
    assertEquals(held.sorted, XS);
    assertEquals(hostOf(pool).lost, 0);
    await untilTasks((tasks) => !before.some((id) => tasks.has(id)));
    await untilWorkers(pool, 2);
  },
);

gridEngineTest(
  "a pool finds its workers again when Grid Engine reschedules their task",
  async () => {
    await using held = new HeldTasks([0, 1], "sync");
    await using pool = new Pool({ ...sgeOptions(shared.engine), prefetch: 0 });
    await untilWorkers(pool, 2);
    const before = await taskIds(pool);
    const calls = XS.map((x) => pool.with({ retries: 1 }).run(held.task, x));
    await held.held(0, 1);
    await shared.engine.run("qmod", "-rj", before[0]!);
    await until(() => hostOf(pool).lost === 1);
    await until(() => held.begun.length >= 3);
    held.release(0, 1);
    assertEquals(await Promise.all(calls), XS);
    await untilWorkers(pool, 2);
    assertEquals(await taskIds(pool), before);
  },
);

gridEngineTest(
  "a pool's workers leave before the time of their task is over",
  async () => {
    await using pool = new Pool(
      sgeOptions(shared.engine, { host: "sge://all.q/1", time: "4" }),
    );
    await untilWorkers(pool, 1);
    const [first] = await taskIds(pool);
    // It leaves a tenth of its time before the end.
    await untilTasks((tasks) => !tasks.has(first!));
    await untilWorkers(pool, 1);
    assertEquals(hostOf(pool).lost, 0);
  },
);

gridEngineTest(
  "a pool's workers leave when their task is at its soft limit",
  async () => {
    await using held = new HeldTasks([0]);
    const qsubArgs = ["-l", "s_rt=3"];
    await using pool = new Pool(
      sgeOptions(shared.engine, { host: "sge://all.q/1", qsubArgs }),
    );
    const [first] = await taskIds(pool);
    const calls = XS.map((x) => pool.run(held.task, x));
    await held.held(0);
    const output = () =>
      [...Deno.readDirSync(`${shared.engine.folder}/jobs`)].map(({ name }) =>
        Deno.readTextFileSync(
          `${shared.engine.folder}/jobs/${name}/${first}.out`,
        )
      ).join();
    await until(() => output().includes("leaving the pool"));
    held.release(0);
    assertEquals(await Promise.all(calls), XS);
    assertEquals(held.sorted, XS);
    assertEquals(hostOf(pool).lost, 0);
  },
);

gridEngineTest(
  "a pool shows its token neither to Grid Engine nor to other users",
  async () => {
    const { engine } = shared;
    await using pool = new Pool(sgeOptions(engine));
    await untilWorkers(pool, 2);
    const [{ name = "" } = {}] = Deno.readDirSync(`${engine.folder}/jobs`);
    const folder = `${engine.folder}/jobs/${name}`;
    assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
    assertEquals(Deno.statSync(`${folder}/token`).mode! & 0o777, 0o600);
    const token = await Deno.readTextFile(`${folder}/token`);
    const scripts = [...Deno.readDirSync(`${engine.folder}/spool/job_scripts`)]
      .map(({ name }) =>
        Deno.readTextFileSync(`${engine.folder}/spool/job_scripts/${name}`)
      );
    assert(scripts.some((script) => script.includes(`${folder}/token`)));
    const ids = new Set((await taskIds(pool)).map((id) => id.split(".")[0]!));
    const commandLines = await new Deno.Command("ps", {
      args: ["-eo", "args", "-ww"],
    }).output();
    const shown = [
      ...scripts,
      await engine.run("qstat", "-j", [...ids].join()),
      new TextDecoder().decode(commandLines.stdout),
    ];
    assert(!shown.some((text) => text.includes(token)));
  },
);

gridEngineTest(
  "a pool takes workers for lost whose task is at its limit",
  async () => {
    await using held = new HeldTasks([0]);
    const qsubArgs = ["-l", "h_rt=2"];
    await using pool = new Pool(
      sgeOptions(shared.engine, { host: "sge://all.q/1", qsubArgs }),
    );
    await assertRejects(() => pool.run(held.task, 0), WorkerLostError);
    await until(() => hostOf(pool).lost === 1);
  },
);

gridEngineTest(
  "a pool shows why its tasks wait",
  async () => {
    await using pool = new Pool(
      sgeOptions(shared.engine, { host: "sge://tiny.q/3" }),
    );
    await until(() => /full/.test(hostOf(pool).pending?.reason ?? ""));
    assertEquals(hostOf(pool).pending, {
      agents: 2,
      reason: 'queue instance "tiny.q@localhost" dropped because it is full',
    });
    assertEquals(await pool.map((x: number) => -x, [1, 2]).toArray(), [-1, -2]);
    await shared.engine.run("qmod", "-d", "tiny.q");
    try {
      await until(() => /disabled/.test(hostOf(pool).pending!.reason));
      assertEquals(await pool.run((x: number) => -x, 3), -3);
    } finally {
      await shared.engine.run("qmod", "-e", "tiny.q");
    }
  },
);

gridEngineTest(
  "a pool reports the words of Grid Engine if its queue doesn't exist",
  async () => {
    await using pool = new Pool(
      sgeOptions(shared.engine, { host: "sge://none.q/1" }),
    );
    const error = await assertRejects(() => pool.ready);
    assert(error instanceof Error);
    assert(error.message.includes('unknown queue "none.q"'), error.message);
  },
);

gridEngineTest(
  "a pool that is killed leaves no task, no worker and no file",
  async () => {
    const { engine } = shared;
    const pid = await killPool(sgeOptions(engine));
    await untilTasks((tasks) => tasks.size === 0);
    await until(() => !exists(`/proc/${pid}`));
    await until(() =>
      [...Deno.readDirSync(`${engine.folder}/jobs`)].length === 0
    );
  },
);

// Afterwards, Grid Engine takes a minute to notice that tasks have ended.
gridEngineTest(
  "a pool loses nothing when the daemon of its machine is restarted",
  async () => {
    await using held = new HeldTasks([0, 1]);
    await using pool = new Pool(sgeOptions(shared.engine));
    await untilWorkers(pool, 2);
    const calls = XS.map((x) => pool.run(held.task, x));
    await held.held(0, 1);
    await shared.engine.killExecd();
    held.release(0);
    await until(() => held.begun.length >= 10);
    await shared.engine.startExecd();
    held.release(1);
    assertEquals(await Promise.all(calls), XS);
    assertEquals(held.sorted, XS);
    assertEquals(hostOf(pool).lost, 0);
  },
);
