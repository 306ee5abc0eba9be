import { assertEquals } from "@std/assert";
import { bind, Pool } from "../../../mod.ts";
import { Gate, passGate } from "../../helpers/gate.ts";
import { sharedSlurm, slurmTest } from "../../helpers/slurm_cluster.ts";
import {
  hostOf,
  slurmOptions,
  untilWorkers,
} from "../../helpers/batch_pools.ts";

const shared = sharedSlurm();

slurmTest("a pool grows from no job to several, and back to none", async () => {
  await using pool = new Pool(slurmOptions(shared.cluster, {
    host: "slurm://main/3",
    workers: { min: 0, idle: 1 },
  }));
  await pool.ready;
  await shared.cluster.empty();
  for (let round = 0; round < 2; round++) {
    await using gate = new Gate();
    const calls = [1, 2, 3].map((x) =>
      pool.run(bind(passGate<number>), gate.port, x)
    );
    for (const _ of calls) await gate.entered();
    assertEquals(pool.stats().workers, 3);
    gate.open();
    assertEquals(await Promise.all(calls), [1, 2, 3]);
    await untilWorkers(pool, 0);
    await shared.cluster.empty();
  }
  const { lost, error } = hostOf(pool);
  assertEquals([lost, error, pool.totalWorkers], [0, undefined, 0]);
});
