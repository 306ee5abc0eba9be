import { assertEquals, assertGreater } from "@std/assert";
import { bind, Pool } from "../../mod.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { gone, until } from "../helpers/processes.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";
import { sshTest, startSshServer } from "../helpers/ssh_server.ts";

/** A time that exceeds any test's duration, in milliseconds. */
const NEVER = 600_000;

const getPid = () => Deno.pid;

/** Waits until the last host of a pool has this many workers. */
async function workersThere(pool: Pool, count: number): Promise<void> {
  await until(() => pool.stats().hosts.at(-1)!.workers === count);
}

/** Makes a host grow to 3 workers, and lets it shrink again. */
async function growAndShrink(pool: Pool): Promise<void> {
  await pool.ready;
  const before = pool.totalWorkers;
  const there = pool.with({ host: "far" });
  for (let round = 0; round < 2; round++) {
    await using gate = new Gate();
    const calls = [1, 2, 3, 4, 5].map((x) =>
      there.run(bind(passGate<number>), gate.port, x)
    );
    for (let held = 0; held < 3; held++) await gate.entered();
    assertEquals(pool.totalWorkers, before + 3);
    gate.open();
    for (let held = 3; held < 5; held++) await gate.entered();
    gate.open();
    assertEquals(await Promise.all(calls), [1, 2, 3, 4, 5]);
    const pid = await there.run(getPid);
    await workersThere(pool, 0);
    await gone(pid);
    assertEquals(pool.totalWorkers, before);
  }
  assertEquals(pool.stats().hosts.at(-1)!.lost, 0);
}

Deno.test("Pool grows and shrinks the workers of a spawner server", async () => {
  await using server = await startSpawnerServer();
  const far = {
    host: server.spec(3),
    name: "far",
    workers: { min: 0, idle: 1 },
  };
  await using pool = new Pool({ workers: 0, hosts: far });
  await growAndShrink(pool);
});

sshTest("Pool grows and shrinks the workers of an ssh host", async () => {
  await using server = await startSshServer();
  const far = {
    host: server.spec(3),
    sshArgs: server.sshArgs,
    name: "far",
    workers: { min: 0, idle: 1 },
  };
  await using pool = new Pool({ workers: 1, hosts: far });
  await growAndShrink(pool);
});

Deno.test("Pool grows the host where calls must run, and no other", async () => {
  await using server = await startSpawnerServer();
  const range = { min: 0, max: 2, idle: NEVER };
  await using pool = new Pool({
    workers: range,
    hosts: { host: server.spec(2), name: "far", workers: range },
  });
  await pool.with({ host: "far" }).run(getPid);
  assertEquals(pool.stats().hosts.map(({ workers }) => workers), [0, 1]);
  await pool.with({ host: "local" }).run(getPid);
  assertEquals(pool.stats().hosts.map(({ workers }) => workers), [1, 1]);
});

Deno.test("Pool moves the calls of an elastic host that is lost, and grows there again", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({
    workers: 0,
    hosts: {
      host: server.spec(3),
      name: "far",
      workers: { min: 0, idle: 1 },
    },
    retries: 1,
  });
  await using gate = new Gate();
  const calls = [1, 2, 3, 4].map((x) =>
    pool.run(bind(passGate<number>), gate.port, x)
  );
  for (let held = 0; held < 3; held++) await gate.entered();
  gate.open();
  await gate.entered();
  // Other results must not be lost on their way.
  await until(() => pool.stats().done === 3);
  // Two workers are idle, or end; one runs the last call.
  server.kill("SIGKILL");
  await until(() => pool.stats().hosts[0]!.error !== undefined);
  const args = ["--port", String(server.port)];
  await using _ = await startSpawnerServer({ args });
  await gate.entered();
  gate.open();
  assertEquals(await Promise.all(calls), [1, 2, 3, 4]);
  assertGreater(pool.stats().hosts[0]!.lost, 0);
  await workersThere(pool, 0);
  assertEquals(pool.stats().hosts[0]!.error, undefined);
});

Deno.test("Pool.addHost() adds an elastic host, and removeHost() ends it", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool(1);
  await pool.ready;
  const range = { min: 0, max: 2, idle: NEVER };
  await pool.addHost({ host: server.spec(2), name: "far", workers: range });
  assertEquals(pool.totalWorkers, 1);
  const pid = await pool.with({ host: "far" }).run(getPid);
  assertEquals(pool.totalWorkers, 2);
  await pool.removeHost("far");
  await gone(pid);
  assertEquals(pool.totalWorkers, 1);
});

Deno.test("Pool grows a host that is added after its last elastic host was removed", async () => {
  using time = flowingTime();
  await using server = await startSpawnerServer();
  await using gate = new Gate();
  const range = { min: 0, max: 1, idle: NEVER };
  const host = { host: server.spec(1), workers: range };
  await using pool = new Pool({ workers: 1, hosts: { ...host, name: "far" } });
  await pool.ready;
  // While a call is pending, the pool looks at its hosts again and again.
  const held = pool.with({ host: "local" })
    .run(passGate<number>, gate.port, 1);
  await gate.entered();
  await pool.removeHost("far");
  time.tick(1_000);
  await pool.addHost({ ...host, name: "new" });
  assertGreater(await pool.with({ host: "new" }).run(getPid), 0);
  gate.open();
  assertEquals(await held, 1);
});
