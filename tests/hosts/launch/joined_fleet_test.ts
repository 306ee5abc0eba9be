import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BrokenPoolError, type Pool, WorkerLostError } from "../../../mod.ts";
import { Gate, passGate } from "../../helpers/gate.ts";
import { JoinedPool } from "../../helpers/joined_pool.ts";
import { gone, isAlive, until } from "../../helpers/processes.ts";
import { runProgram } from "../../helpers/run_program.ts";

const pid = () => Deno.pid;
const double = (x: number) => x * 2;
const ITEMS = Array.from({ length: 20_000 }, (_, index) => index);

Deno.test("Pool takes workers that join by themselves, before calls and after", async () => {
  await using site = new JoinedPool();
  const { pool } = site;
  await pool.ready;
  assertEquals([pool.isReady, pool.totalWorkers], [true, 0]);
  // The call waits for the first worker.
  const call = pool.run(double, 21);
  const agent = await site.join(2);
  assertEquals(await call, 42);
  assertEquals(pool.totalWorkers, 2);
  await site.join(1);
  assertEquals(new Set(await pool.runOnAll(pid)).size, 3);
  const [{ name, kind, workers, error, pending, lost }] = pool.stats()
    .hosts as [ReturnType<Pool["stats"]>["hosts"][0]];
  assertEquals([name, kind, workers, error, pending, lost], [
    "joined",
    "joined",
    3,
    undefined,
    undefined,
    0,
  ]);
  await pool.shutdown();
  assertEquals((await agent.ended()).code, 0);
});

Deno.test("Pool runs the initializer in workers that join", async () => {
  await using site = new JoinedPool({
    initializer: (value: number) => {
      (globalThis as { value?: number }).value = value;
    },
    initializerArgs: [42],
  });
  await site.join(1);
  const value = () => (globalThis as { value?: number }).value;
  assertEquals(await site.pool.run(value), 42);
});

Deno.test("Pool prints the output of workers that join, with the agent's name", async () => {
  const program = new URL("../../programs/joined_output.ts", import.meta.url);
  const { code, stdout: text, stderr } = await runProgram(
    Deno.execPath(),
    ["run", "-A", program.href],
  );
  assertEquals(code, 0, stderr);
  assertEquals(text.split("\n").sort(), [
    "",
    "[joined/mini worker 1] hello",
    "[joined/mini-2 worker 1] hello",
  ]);
});

Deno.test("Pool loses nothing when agents leave by SIGTERM under load", async () => {
  await using site = new JoinedPool();
  const { pool } = site;
  await site.join(1);
  const map = pool.map(double, ITEMS).toArray();
  let isOver = false;
  map.finally(() => isOver = true);
  let rounds = 0;
  while (!isOver || rounds === 0) {
    const agent = await site.join(2);
    agent.kill("SIGTERM");
    assertEquals((await agent.ended()).code, 0);
    await site.has(1);
    rounds++;
  }
  assertEquals(await map, ITEMS.map(double));
  const { done, hosts: [joined] } = pool.stats();
  assertEquals([done, joined!.lost], [ITEMS.length, 0]);
});

Deno.test("Pool lets an agent that leaves finish what it runs, and moves the rest", async () => {
  await using gate = new Gate();
  await using site = new JoinedPool({ prefetch: 4 });
  const { pool } = site;
  const agent = await site.join(1);
  const running = pool.run(passGate<string>, gate.port, "finished");
  await gate.entered();
  const queued = [1, 2, 3].map((x) => pool.run(double, x));
  const all = Promise.all(queued);
  agent.kill("SIGTERM");
  await agent.logged(/leaving the pool/);
  await site.join(1);
  assertEquals(await all, [2, 4, 6]);
  gate.open();
  assertEquals(await running, "finished");
  assertEquals((await agent.ended()).code, 0);
  await site.has(1);
  assertEquals(pool.stats().hosts[0]!.lost, 0);
});

Deno.test("Pool treats an agent that vanishes as lost workers", async () => {
  await using gate = new Gate();
  await using site = new JoinedPool();
  const { pool } = site;
  const agent = await site.join(2);
  const pids = await pool.runOnAll(pid);
  const once = pool.run(passGate<number>, gate.port, 1);
  const lost = assertRejects(() => once, WorkerLostError);
  const again = pool.with({ retries: 1 }).run(passGate<number>, gate.port, 2);
  await gate.entered();
  await gate.entered();
  agent.kill("SIGKILL");
  await lost;
  await site.join(1);
  await gate.entered();
  gate.open();
  assertEquals(await again, 2);
  for (const pid of pids) await gone(pid);
  assertEquals(pool.stats().hosts[0]!.lost, 2);
});

Deno.test("Pool replaces a worker of an agent that has ended", async () => {
  await using site = new JoinedPool();
  const { pool } = site;
  await site.join(1);
  const first = await pool.run(pid);
  await assertRejects(() => pool.run(() => Deno.exit(3)), WorkerLostError);
  const second = await pool.run(pid);
  assert(first !== second);
  assertEquals(pool.stats().hosts[0]!.lost, 1);
});

Deno.test("Pool refuses agents beyond 'listen.maxWorkers'", async () => {
  await using site = new JoinedPool({ listen: { maxWorkers: 2 } });
  await site.join(1);
  const refused = await site.start("--workers", "2").ended();
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "at most 2 workers");
  // A place is free again when an agent leaves.
  const second = await site.join(1);
  second.kill("SIGTERM");
  await second.ended();
  await site.has(1);
  await site.join(1);
});

Deno.test("Pool lets an agent go that was idle for as long as --max-idle", async () => {
  await using gate = new Gate();
  await using site = new JoinedPool();
  const { pool } = site;
  // One of its workers always has a call.
  const call = pool.run(passGate<number>, gate.port, 1);
  const agent = await site.join(2, "--max-idle", "0.5");
  await gate.entered();
  const other = await site.start("--max-idle", "0.1").ended();
  assertEquals(other.code, 0, other.stderr);
  await site.has(2);
  gate.open();
  assertEquals(await call, 1);
  assertEquals((await agent.ended()).code, 0);
  await site.has(0);
  assertEquals(pool.stats().hosts[0]!.lost, 0);
});

Deno.test("Pool lets an agent go whose initializer fails, and says why", async () => {
  await using site = new JoinedPool({
    initializer: () => {
      throw new Error("no license");
    },
    maxRestarts: 1,
    stdio: "null",
  });
  const { code } = await site.start("--workers", "1").ended();
  assertEquals(code, 0);
  await until(() => site.pool.stats().hosts[0]!.error !== undefined);
  assertStringIncludes(
    site.pool.stats().hosts[0]!.error!.message,
    "no license",
  );
});

Deno.test("Pool.removeHost() ends the agents that have joined, and admits no more", async () => {
  await using site = new JoinedPool({ workers: 1 });
  const agent = await site.join(1);
  const joined = site.pool.with({ host: "joined" });
  assert(await joined.run(pid) > 0);
  await site.pool.removeHost("joined");
  assertEquals((await agent.ended()).code, 0);
  await assertRejects(() => joined.run(pid), BrokenPoolError, "was removed");
  assertEquals((await site.start("--connect-timeout", "1").ended()).code, 1);
});

Deno.test("Pool.terminate() ends agents and their workers", async () => {
  await using site = new JoinedPool();
  const agent = await site.join(2);
  const pids = await site.pool.runOnAll(pid);
  await site.pool.terminate();
  await agent.ended();
  assertEquals(pids.filter(isAlive), []);
});
