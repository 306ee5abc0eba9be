import { assert, assertEquals, assertRejects } from "@std/assert";
import { Pool, WorkerLostError } from "../../../mod.ts";
import { HeldTasks } from "../../helpers/held_tasks.ts";
import { exists, killNow, until } from "../../helpers/processes.ts";
import { sharedSlurm, slurmTest } from "../../helpers/slurm_cluster.ts";
import {
  hostOf,
  slurmOptions,
  untilPending,
  untilWorkers,
} from "../../helpers/batch_pools.ts";

// Tasks that run when a job is cancelled have a minute to return.
const shared = sharedSlurm({ config: ["KillWait=60"] });

const XS = Array.from({ length: 20 }, (_, x) => x);

/** With this, each of two jobs has a node of its own. */
const WHOLE_NODE = { cpus: 4 };

/** Returns the ids of the jobs that run. */
async function runningJobs(): Promise<string[]> {
  const jobs = await shared.cluster.jobs();
  return [...jobs].filter(([, state]) => state === "RUNNING")
    .map(([job]) => job).sort();
}

/**
 * Lets jobs begin that Slurm has requeued, and would hold back for two minutes. A
 * node refuses a job that ended there in the same second.
 */
async function startNow(...jobs: string[]): Promise<void> {
  await shared.cluster.untilJobs((states) =>
    jobs.every((job) => states.get(job) === "PENDING")
  );
  for (const job of jobs) {
    await shared.cluster.run(
      "scontrol",
      "update",
      `JobId=${job}`,
      "StartTime=now+2",
    );
  }
}

for (const which of ["a job", "all jobs"] as const) {
  slurmTest(
    `a pool loses nothing when ${which} of its array are cancelled`,
    async () => {
      await using held = new HeldTasks([0, 1]);
      await using pool = new Pool(slurmOptions(shared.cluster));
      await untilWorkers(pool, 2);
      const calls = XS.map((x) => pool.run(held.task, x));
      await held.held(0, 1);
      const before = await runningJobs();
      const cancelled = which === "a job" ? before.slice(1) : before;
      await shared.cluster.run("scancel", ...cancelled);
      for (const job of cancelled) await untilLeaving(job);
      held.release(0, 1);
      assertEquals(await Promise.all(calls), XS);
      assertEquals(held.sorted, XS);
      await shared.cluster.untilJobs((jobs) =>
        jobs.size === 2 && cancelled.every((job) => !jobs.has(job))
      );
      await untilWorkers(pool, 2);
      assertEquals(hostOf(pool).lost, 0);
    },
  );
}

slurmTest(
  "a pool takes killed jobs for lost workers, and asks for others",
  async () => {
    await using held = new HeldTasks([0, 1]);
    await using pool = new Pool(slurmOptions(shared.cluster));
    await untilWorkers(pool, 2);
    const before = await runningJobs();
    const lost = pool.run(held.task, 0);
    await held.held(0);
    const retried = pool.with({ retries: 1 }).run(held.task, 1);
    await held.held(1);
    shared.cluster.jobProcesses().forEach(killNow);
    held.forget(0, 1);
    await assertRejects(() => lost, WorkerLostError);
    await held.held(1);
    held.release(1);
    assertEquals(await retried, 1);
    assertEquals(held.begun, [0, 1, 1]);
    await untilWorkers(pool, 2);
    assertEquals(hostOf(pool).lost, 2);
    const after = await runningJobs();
    assert(!after.some((job) => before.includes(job)));
  },
);

slurmTest(
  "a pool survives the crash of a node, whose jobs come back elsewhere",
  async () => {
    await using held = new HeldTasks([0, 1]);
    await using pool = new Pool(slurmOptions(shared.cluster));
    await untilWorkers(pool, 2);
    const jobs = await runningJobs();
    const calls = [0, 1].map((x) =>
      pool.with({ retries: 1 }).run(held.task, x)
    );
    await held.held(0, 1);
    await shared.cluster.crashNode("n1");
    held.forget(0, 1);
    await untilPending(pool, 2, "BeginTime");
    assertEquals(pool.stats().workers, 0);
    await startNow(...jobs);
    await held.held(0, 1);
    held.release(0, 1);
    assertEquals(await Promise.all(calls), [0, 1]);
    assertEquals(held.sorted, [0, 0, 1, 1]);
    assertEquals(await runningJobs(), jobs);
    assertEquals(hostOf(pool).lost, 2);
    assertEquals(hostOf(pool).pending, undefined);
    await shared.cluster.startNode("n1");
  },
);

slurmTest("a pool takes back a job that is requeued", async () => {
  await using held = new HeldTasks([0, 1]);
  await using pool = new Pool(slurmOptions(shared.cluster, WHOLE_NODE));
  await untilWorkers(pool, 2);
  const jobs = await runningJobs();
  const calls = XS.map((x) => pool.run(held.task, x));
  await held.held(0, 1);
  await shared.cluster.run("scontrol", "requeue", jobs[0]!);
  await untilLeaving(jobs[0]!);
  held.release(0, 1);
  assertEquals(await Promise.all(calls), XS);
  assertEquals(held.sorted, XS);
  await startNow(jobs[0]!);
  await untilWorkers(pool, 2);
  assertEquals(await runningJobs(), jobs);
  assertEquals(hostOf(pool).lost, 0);
});

slurmTest("a pool makes way for jobs that preempt its own", async () => {
  await using held = new HeldTasks([0, 1]);
  await using pool = new Pool(slurmOptions(shared.cluster, WHOLE_NODE));
  await untilWorkers(pool, 2);
  const jobs = await runningJobs();
  const calls = XS.map((x) => pool.run(held.task, x));
  await held.held(0, 1);
  const urgent = await occupy("urgent");
  for (const job of jobs) await untilLeaving(job);
  held.release(0, 1);
  await shared.cluster.untilJobs((states) =>
    states.get(urgent) === "RUNNING" &&
    jobs.every((job) => states.get(job) === "PENDING")
  );
  const later = pool.run(held.task, XS.length);
  await shared.cluster.run("scancel", urgent);
  await startNow(...jobs);
  assertEquals(await Promise.all(calls), XS);
  assertEquals(await later, XS.length);
  assertEquals(held.sorted, [...XS, XS.length]);
  await untilWorkers(pool, 2);
  assertEquals(await runningJobs(), jobs);
  assertEquals(hostOf(pool).lost, 0);
});

slurmTest("a pool waits in a full queue, and shows why", async () => {
  const other = await occupy("main");
  await using pool = new Pool(slurmOptions(shared.cluster, { cpus: 2 }));
  await pool.ready;
  const answer = pool.run((x: number) => 2 * x, 21);
  await untilPending(pool, 2, "Resources");
  assertEquals(pool.stats().workers, 0);
  await shared.cluster.run("scancel", other);
  assertEquals(await answer, 42);
  await untilWorkers(pool, 2);
  assertEquals(hostOf(pool).pending, undefined);
});

/** Starts a job that takes all nodes; returns its id. */
async function occupy(partition: string): Promise<string> {
  const { cluster } = shared;
  const args = ["-o", "/dev/null", "--wrap", "sleep 1000"];
  const nodes = ["-p", partition, "-N2", "--exclusive"];
  const job = await cluster.run("sbatch", "--parsable", ...nodes, ...args);
  if (partition === "main") {
    await cluster.untilJobs((jobs) => jobs.get(job) === "RUNNING");
  }
  return job;
}

/** Waits until the agent of a job has said that it leaves. */
async function untilLeaving(job: string): Promise<void> {
  const { folder } = shared.cluster;
  await until(() =>
    [...Deno.readDirSync(folder)].some(({ name, isDirectory }) => {
      const file = `${folder}/${name}/${job}.out`;
      return isDirectory && exists(file) &&
        Deno.readTextFileSync(file).includes("leaving the pool");
    })
  );
}
