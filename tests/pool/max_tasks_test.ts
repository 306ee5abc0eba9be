import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Pool } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { isAlive, until } from "../helpers/processes.ts";
import {
  complete,
  lossOf,
  note,
  TestFolder,
} from "../programs/loss_fixture.ts";

/** A task: returns its worker, and how many tasks that has run. */
const count = (): [pid: number, tasks: number] => {
  const world = globalThis as { tasks?: number };
  world.tasks = (world.tasks ?? 0) + 1;
  return [Deno.pid, world.tasks];
};

Deno.test("Pool starts no worker after the next one before that has run a task", async () => {
  const world = globalThis as { initialized?: number };
  world.initialized = 0;
  await using pool = new Pool({
    workers: "inline",
    maxTasksPerWorker: 3,
    initializer: () => {
      (globalThis as typeof world).initialized!++;
    },
  });
  for (let x = 0; x < 4; x++) assertEquals(await pool.run((x) => x, x), x);
  await pool.shutdown();
  assert(world.initialized! <= 3, `${world.initialized} workers`);
});

Deno.test("Pool starts the next worker before the present one has run its last task", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  await using pool = new Pool({
    workers: 1,
    maxTasksPerWorker: 2,
    initializer: note,
    initializerArgs: [folder.file("log"), "started"],
  });
  const [present] = await pool.run(count);
  const last = pool.run(passGate<number>, gate.port, 5);
  await gate.entered();
  // Its last task runs, and the next worker has run the initializer.
  await until(() => folder.lines("log").length === 2);
  const next = pool.run(count);
  assert(isAlive(present));
  assertEquals(pool.stats().workers, 1);
  gate.open();
  assertEquals(await last, 5);
  const [pid, tasks] = await next;
  assertNotEquals(pid, present);
  assertEquals(tasks, 1);
  await until(() => !isAlive(present));
  assertEquals(pool.stats().hosts[0]!.lost, 0);
});

Deno.test("Pool.map() ends if the last worker retires with its last item, and none follows", async () => {
  await using pool = new Pool({
    workers: { min: 0, max: 1, idle: 1 },
    maxTasksPerWorker: 1,
  });
  for (const length of [1, 2, 3]) {
    const xs = Array.from({ length }, (_, x) => x);
    assertEquals(await pool.map((x: number) => x, xs).toArray(), xs);
  }
});

Deno.test("Pool runs one task in each worker with 'maxTasksPerWorker' 1", async () => {
  await using pool = new Pool({
    workers: 2,
    maxTasksPerWorker: 1,
    concurrency: 4,
    maxRestarts: 0,
  });
  const calls = Array.from({ length: 12 }, () => pool.run(count));
  const mapped = pool.map(count, new Array(8).fill(0), { chunkSize: 4 });
  const results = [...await mapped.toArray(), ...await Promise.all(calls)];
  assertEquals(new Set(results.map(([pid]) => pid)).size, 20);
  assert(results.every(([, tasks]) => tasks === 1));
  // None of their ends is a loss.
  const [local] = pool.stats().hosts;
  assertEquals([local!.lost, local!.error], [0, undefined]);
});

Deno.test("Pool counts settled items, calls of runOnAll() and streams for 'maxTasksPerWorker'", async () => {
  await using pool = new Pool({ workers: 1, maxTasksPerWorker: 4 });
  const [first] = await pool.runOnAll(count);
  const pids = new Map([first!]);
  const settled = pool.map(count, new Array(10).fill(0)).settled();
  for await (const item of settled) {
    assert(item.status === "fulfilled");
    pids.set(...item.value);
  }
  const values = pool.stream(async function* () {
    const world = globalThis as { tasks?: number };
    world.tasks = (world.tasks ?? 0) + 1;
    await Promise.resolve();
    yield [Deno.pid, world.tasks] as [number, number];
  });
  for await (const value of values) pids.set(...value);
  assertEquals([...pids.values()], [4, 4, 4]);
});

Deno.test("Pool lets the next worker begin while a stream of the present one waits for its reader", async () => {
  await using pool = new Pool({ workers: 1, maxTasksPerWorker: 1 });
  const values = pool.stream(function* () {
    for (let x = 0; x < 20_000; x++) yield x;
  });
  const iterator = values[Symbol.asyncIterator]();
  assertEquals((await iterator.next()).value, 0);
  const [, tasks] = await pool.run(count);
  assertEquals(tasks, 1);
  let expected = 1;
  for (let next; !(next = await iterator.next()).done;) {
    assertEquals(next.value, expected++);
  }
  assertEquals(expected, 20_000);
});

Deno.test("Pool sends a task with resources that came while a worker ran its last task to the next one", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  await using pool = new Pool({
    workers: 1,
    maxTasksPerWorker: 1,
    resources: { gpu: 1 },
    initializer: note,
    initializerArgs: [folder.file("log"), "started"],
  });
  const last = pool.run(passGate<number>, gate.port, 5);
  await gate.entered();
  const next = pool.with({ resources: { gpu: 1 } }).run(count);
  await until(() => folder.lines("log").length === 2);
  gate.open();
  assertEquals(await last, 5);
  assertEquals((await next)[1], 1);
});

Deno.test("Pool runs tasks with resources in workers that run one task each", async () => {
  await using pool = new Pool({
    workers: 1,
    maxTasksPerWorker: 1,
    resources: { gpu: 1 },
  });
  const gpu = pool.with({ resources: { gpu: 1 } });
  const results = await Promise.all([1, 2, 3].map(() => gpu.run(count)));
  assertEquals(results.map(([, tasks]) => tasks), [1, 1, 1]);
});

Deno.test("Pool replaces a worker that is lost during its last task once", async () => {
  await using pool = new Pool({ workers: 1, maxTasksPerWorker: 2 });
  await pool.run(count);
  await lossOf(pool.run(() => Deno.exit(3)));
  assertEquals((await pool.run(count))[1], 1);
  await complete(pool);
  assertEquals(pool.stats().workers, 1);
});

Deno.test("Pool runs a task again whose worker was lost during its last task", async () => {
  await using folder = new TestFolder();
  await using pool = new Pool({ workers: 2, maxTasksPerWorker: 1, retries: 1 });
  const leaveOnce = (path: string) => {
    try {
      Deno.writeTextFileSync(path, "", { createNew: true });
    } catch {
      return "again";
    }
    Deno.exit(3);
  };
  assertEquals(await pool.run(leaveOnce, folder.file("ran")), "again");
});

Deno.test("Pool.shutdown() ends workers that wait for their turn", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  const pool = new Pool({
    workers: 1,
    maxTasksPerWorker: 1,
    initializer: note,
    initializerArgs: [folder.file("log"), "started"],
  });
  const call = pool.run(passGate<number>, gate.port, 5);
  await gate.entered();
  await until(() => folder.lines("log").length === 2);
  const ending = pool.shutdown();
  gate.open();
  await ending;
  assertEquals(await call, 5);
});

Deno.test("Pool with workers that come and go ends those that wait for their turn", async () => {
  await using pool = new Pool({
    workers: { min: 0, max: 2, idle: 100 },
    maxTasksPerWorker: 3,
  });
  const results = await pool.map(count, new Array(40).fill(0)).toArray();
  assert(results.every(([, tasks]) => tasks <= 3));
  assert(pool.totalWorkers <= 2);
  await until(() => pool.totalWorkers === 0 && pool.stats().workers === 0);
  const pids = new Set(results.map(([pid]) => pid));
  await until(() => [...pids].every((pid) => !isAlive(pid)));
  assertEquals((await pool.run(count))[1], 1);
});

Deno.test("Pool doesn't keep tasks with keys and resources behind the last task of a worker", async () => {
  await using gate = new Gate();
  await using pool = new Pool({
    workers: 2,
    maxTasksPerWorker: 1,
    resources: { gpu: 2 },
  });
  await pool.ready;
  const gpu = pool.with({ key: "one", resources: { gpu: 1 } });
  const last = gpu.run(passGate<number>, gate.port, 5);
  const next = gpu.run(count);
  assertEquals((await next)[1], 1);
  await gate.entered();
  gate.open();
  assertEquals(await last, 5);
});
