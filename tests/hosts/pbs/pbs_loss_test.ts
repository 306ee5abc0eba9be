import { assert, assertEquals, assertRejects } from "@std/assert";
import { BrokenPoolError, Pool, WorkerLostError } from "../../../mod.ts";
import { hostOf, pbsOptions, untilWorkers } from "../../helpers/batch_pools.ts";
import { HeldTasks } from "../../helpers/held_tasks.ts";
import { exists, until } from "../../helpers/processes.ts";
import { sharedTorque, torqueTest } from "../../helpers/shared_torque.ts";
import { killPool } from "../../helpers/launchers.ts";

const shared = sharedTorque();

const XS = Array.from({ length: 20 }, (_, x) => x);

/** Returns the ids of the jobs that run or wait. */
async function jobIds(): Promise<string[]> {
  return [...(await shared.cluster.jobs()).keys()].sort();
}

/** Runs a command of Torque, which this process finds. */
async function run(program: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(program, { args }).output();
  assert(success, program);
}

for (const which of ["one of its jobs", "its jobs"] as const) {
  torqueTest(
    `a pool repeats the calls of ${which} after qdel, and asks for another`,
    async () => {
      await using held = new HeldTasks([0, 1], "sync");
      await using pool = new Pool({
        ...pbsOptions(shared.cluster),
        prefetch: 0,
      });
      await untilWorkers(pool, 2);
      const calls = XS.map((x) => pool.with({ retries: 1 }).run(held.task, x));
      await held.held(0, 1);
      const before = await jobIds();
      const deleted = which === "one of its jobs" ? before.slice(1) : before;
      await run("qdel", ...deleted);
      await until(() => hostOf(pool).lost === deleted.length);
      await until(() => held.begun.length >= 2 + deleted.length);
      held.release(0, 1);
      assertEquals(await Promise.all(calls), XS);
      await shared.cluster.untilJobs((jobs) =>
        jobs.size === 2 && !deleted.some((id) => jobs.has(id))
      );
      await untilWorkers(pool, 2);
    },
  );
}

torqueTest(
  "a pool rejects a call whose job was deleted, if it may not repeat it",
  async () => {
    await using held = new HeldTasks([0]);
    await using pool = new Pool(pbsOptions(shared.cluster));
    await untilWorkers(pool, 2);
    const call = pool.run(held.task, 0);
    await held.held(0);
    const rejected = assertRejects(() => call, WorkerLostError);
    await run("qdel", ...await jobIds());
    await rejected;
  },
);

torqueTest("a pool loses nothing when the time of a job is over", async () => {
  await using held = new HeldTasks([0]);
  const host = { host: "pbs://main/1", time: "60" };
  await using pool = new Pool(pbsOptions(shared.cluster, host));
  await untilWorkers(pool, 1);
  const calls = XS.map((x) => pool.run(held.task, x));
  await held.held(0);
  const [job] = await jobIds();
  // As an agent does by itself six seconds before that.
  await shared.cluster.run("scancel", "--signal=TERM", "--full", job!);
  held.release(0);
  assertEquals(await Promise.all(calls), XS);
  assertEquals(held.sorted, XS);
  assertEquals(hostOf(pool).lost, 0);
});

torqueTest("a pool shows that its jobs wait", async () => {
  // The cluster has eight CPUs.
  const host = { host: "pbs://main/3", cpus: 4 };
  await using pool = new Pool(pbsOptions(shared.cluster, host));
  await untilWorkers(pool, 2);
  await until(() => hostOf(pool).pending?.agents === 1);
  assertEquals(await pool.run((x: number) => -x, 3), -3);
});

torqueTest("a pool reports Slurm's words if its queue is wrong", async () => {
  const host = { host: "pbs://none/1" };
  await using pool = new Pool(pbsOptions(shared.cluster, host));
  await assertRejects(
    () => pool.ready,
    BrokenPoolError,
    "invalid partition specified: none",
  );
});

torqueTest(
  "a pool that is killed leaves no job, no worker and no file",
  async () => {
    const pid = await killPool(pbsOptions(shared.cluster));
    await shared.cluster.empty();
    await until(() => !exists(`/proc/${pid}`));
    const folder = `${shared.cluster.folder}/jobs`;
    await until(() => [...Deno.readDirSync(folder)].length === 0);
  },
);
