import { assert, assertEquals, assertRejects } from "@std/assert";
import { BrokenPoolError, Pool, type TaskThis } from "../../mod.ts";
import { JoinedPool } from "../helpers/joined_pool.ts";
import { startSpawnerServer, TOKEN } from "../helpers/spawner_server.ts";

const pid = () => Deno.pid;

function resources(this: TaskThis) {
  return this.resources;
}

Deno.test("with() sends tasks to machines with labels and resources", async () => {
  await using server = await startSpawnerServer({ token: TOKEN });
  await using pool = new Pool({
    workers: 2,
    labels: { region: "eu", disk: "ssd" },
    resources: { gpu: 1 },
    token: TOKEN,
    hosts: {
      host: server.spec(2),
      name: "other",
      labels: { region: "us", disk: "ssd" },
      resources: { gpu: 2, memory: "1G" },
    },
  });
  await pool.ready;
  const here = new Set(await pool.with({ host: "local" }).runOnAll(pid));
  const there = new Set(await pool.with({ host: "other" }).runOnAll(pid));
  const us = pool.with({ where: { region: "us" } });
  assertEquals(new Set(await us.runOnAll(pid)), there);
  const pids = await us.map(pid, new Array(50).fill(0)).toArray();
  assert(pids.every((id) => there.has(id)));
  const ssd = pool.with({ where: { disk: "ssd" } });
  assertEquals((await ssd.runOnAll(pid)).length, 4);
  const large = pool.with({ resources: { memory: "500M" } });
  const both = await Promise.all([large.run(pid), large.run(pid)]);
  assert(both.every((id) => there.has(id)));
  const gpus = pool.with({ resources: { gpu: 2 } });
  assertEquals(await gpus.run(resources), { gpu: [0, 1] });
  assertEquals(new Set(await gpus.runOnAll(pid)), there);
  const eu = pool.with({ where: { region: "eu" }, resources: { gpu: 1 } });
  assert(here.has(await eu.run(pid)));
  await assertRejects(
    () => eu.with({ host: "other" }).run(pid),
    BrokenPoolError,
    `asks for the host 'other', gpu: 1, region: "eu"; there is local (gpu: 1, region: "eu", disk: "ssd"), other (gpu: 2, memory: 1G, region: "us", disk: "ssd")`,
  );
});

Deno.test("Tasks wait for an agent that has what they need", async () => {
  await using joined = new JoinedPool();
  const gpu = joined.pool.with({ resources: { gpu: 2 }, onUnmet: "wait" });
  const waiting = gpu.run(resources);
  await joined.join(1);
  assertEquals(await joined.pool.run(() => "flows"), "flows");
  await assertRejects(
    () => gpu.with({ onUnmet: "fail" }).run(resources),
    BrokenPoolError,
    "gpu: 2",
  );
  await joined.join(2, "--resources", "gpu=2,memory=64G", "--labels", "a=b");
  assertEquals(await waiting, { gpu: [0, 1] });
  const labeled = joined.pool.with({ where: { a: "b" } });
  assertEquals((await labeled.runOnAll(pid)).length, 2);
});
