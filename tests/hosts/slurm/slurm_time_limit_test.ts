import { assert, assertEquals } from "@std/assert";
import { Pool } from "../../../mod.ts";
import { HeldTasks } from "../../helpers/held_tasks.ts";
import { sharedSlurm, slurmTest } from "../../helpers/slurm_cluster.ts";
import {
  hostOf,
  slurmOptions,
  untilWorkers,
} from "../../helpers/batch_pools.ts";

// Slurm checks time limits twice a minute.
const shared = sharedSlurm({ config: ["KillWait=60"] });

const XS = Array.from({ length: 20 }, (_, x) => x);

const getJob = () => Deno.env.get("SLURM_JOB_ID")!;

slurmTest(
  "a pool asks for other jobs when its own reach their time limit",
  async () => {
    const { cluster } = shared;
    await using held = new HeldTasks([0]);
    const host = { host: "slurm://main/1" };
    await using pool = new Pool(slurmOptions(cluster, host));
    await untilWorkers(pool, 1);
    const calls = XS.map((x) => pool.run(held.task, x));
    await held.held(0);
    const [job = ""] = (await cluster.jobs()).keys();
    await cluster.run("scontrol", "update", `JobId=${job}`, "EndTime=now");
    // The job has a minute to end after it was sent SIGTERM.
    await cluster.untilJobs((jobs) => jobs.get(job) !== "RUNNING");
    held.release(0);
    assertEquals(await Promise.all(calls), XS);
    assertEquals(held.sorted, XS);
    await untilWorkers(pool, 1);
    await cluster.untilJobs((jobs) => jobs.size === 1 && !jobs.has(job));
    assertEquals(hostOf(pool).lost, 0);
    assert((await cluster.run("squeue", "-h", "-t", "TIMEOUT")).includes(job));
  },
);

slurmTest("workers leave before the option 'time' is over", async () => {
  const host = { host: "slurm://main/1", time: "0:05" };
  await using pool = new Pool(slurmOptions(shared.cluster, host));
  const first = await pool.run(getJob);
  while (await pool.run(getJob) === first);
  assertEquals(hostOf(pool).lost, 0);
});
