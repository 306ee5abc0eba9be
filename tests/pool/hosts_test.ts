import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  HostError,
  Pool,
  PoolClosedError,
  WorkerLostError,
} from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { gone, until } from "../helpers/processes.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";

const pid = () => Deno.pid;
const double = (x: number) => x * 2;

/** The names of a pool's hosts, and how many workers each has. */
function workersOf(pool: Pool): [string, number][] {
  return pool.stats().hosts.map(({ name, workers }) => [name, workers]);
}

Deno.test("Pool.addHost() adds a host to a running pool", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({ workers: 1 });
  const [local] = await pool.runOnAll(pid);
  const host = server.spec(2);
  assertEquals(await pool.addHost({ host, name: "far" }), "far");
  assertEquals(pool.totalWorkers, 3);
  assertEquals(workersOf(pool), [["local", 1], ["far", 2]]);
  const pids = await pool.with({ host: "far" }).runOnAll(pid);
  assertEquals([pids.length, pids.includes(local!)], [2, false]);
  assertEquals((await pool.runOnAll(pid)).length, 3);
});

Deno.test("Pool.addHost() runs the initializer in the new workers", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({
    workers: 1,
    initializer: (value: number) => {
      (globalThis as { value?: number }).value = value;
    },
    initializerArgs: [42],
  });
  const host = await pool.addHost(server.spec(1));
  const value = () => (globalThis as { value?: number }).value;
  assertEquals(await pool.with({ host }).run(value), 42);
});

Deno.test("Pool.addHost() adds a host to a lazy pool, which starts it later", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({ workers: 1, lazy: true });
  const host = await pool.addHost(server.spec(1));
  assertEquals([pool.isReady, pool.totalWorkers], [false, 2]);
  assert(await pool.with({ host }).run(pid) > 0);
});

Deno.test("Pool.addHost() rejects and changes nothing when the host can't be used", async () => {
  await using pool = new Pool({ workers: 1 });
  const bad = { host: "127.0.0.1:1/1", name: "bad" };
  const error = await assertRejects(() => pool.addHost(bad), HostError);
  assertEquals([error.host, error.step], ["bad", "connection"]);
  assertEquals(workersOf(pool), [["local", 1]]);
  assertEquals(await pool.run(double, 1), 2);
  // Its name is free again.
  await assertRejects(() => pool.addHost(bad), HostError);
});

Deno.test("Pool.addHost() rejects with the initializer's error when it fails there", async () => {
  await using server = await startSpawnerServer();
  const folder = await Deno.makeTempDir();
  try {
    await using pool = new Pool({
      workers: 1,
      // It succeeds only once.
      initializer: (folder: string) => Deno.mkdir(`${folder}/made`),
      initializerArgs: [folder],
    });
    await pool.ready;
    await assertRejects(
      () => pool.addHost(server.spec(1)),
      Deno.errors.AlreadyExists,
    );
    assertEquals(workersOf(pool), [["local", 1]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Pool.addHost() refuses a name that is taken, a bad spec and a pool that has ended", async () => {
  const pool = new Pool({ workers: 1, lazy: true });
  await assertRejects(
    () => pool.addHost({ host: "mini", name: "local" }),
    RangeError,
    "already has a host 'local'",
  );
  await assertRejects(() => pool.addHost("ssh://"), RangeError, "hostname");
  await assertRejects(
    () => pool.addHost({ host: "mini", worker: 1 } as { host: string }),
    TypeError,
    "'worker'",
  );
  await pool.shutdown();
  await assertRejects(() => pool.addHost("mini"), PoolClosedError);
  // So does one that was shut down while it was starting.
  const starting = new Pool(1);
  await starting.shutdown();
  await assertRejects(() => starting.addHost("mini"), PoolClosedError);
});

Deno.test("Pool.removeHost() lets workers finish what they run, and moves the rest", async () => {
  await using server = await startSpawnerServer();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1 });
  const host = await pool.addHost({ host: server.spec(1), name: "far" });
  const far = pool.with({ host });
  const [farPid] = await far.runOnAll(pid);
  const running = far.run(passGate<string>, gate.port, "finished");
  await gate.entered();
  const bound = assertRejects(() => far.run(double, 1), BrokenPoolError);
  const others = pool.map(double, Array.from({ length: 100 }, (_, i) => i));
  const removal = pool.removeHost("far");
  assertEquals((await others.toArray()).at(-1), 198);
  assertStringIncludes((await bound).message, "The host far was removed");
  gate.open();
  assertEquals(await running, "finished");
  await removal;
  await gone(farPid!);
  assertEquals(workersOf(pool), [["local", 1]]);
  // The sums keep what the host has done.
  assertEquals(pool.stats().done, 102);
  assertEquals(pool.totalWorkers, 1);
});

Deno.test("Pool.removeHost() rejects calls for the host that come later", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({ workers: 1 });
  const host = await pool.addHost({ host: server.spec(1), name: "far" });
  const far = pool.with({ host });
  await pool.removeHost(host);
  await assertRejects(() => far.run(double, 1), BrokenPoolError, "was removed");
  await assertRejects(
    () => far.map(double, [1]).toArray(),
    BrokenPoolError,
    "was removed",
  );
  await assertRejects(async () => await pool.with({ host }).run(pid));
  // The name can be used again.
  await pool.addHost({ host: server.spec(1), name: "far" });
  assertEquals(await far.run(double, 1), 2);
});

Deno.test("Pool.removeHost() without drain kills the workers, and a removal that waits ends", async () => {
  await using server = await startSpawnerServer();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1 });
  const host = await pool.addHost(server.spec(1));
  const call = pool.with({ host }).run(passGate<number>, gate.port, 1);
  const lost = assertRejects(() => call, WorkerLostError);
  await gate.entered();
  const waiting = pool.removeHost(host);
  await pool.removeHost(host, { drain: false });
  await Promise.all([lost, waiting]);
  assertEquals(workersOf(pool), [["local", 1]]);
  assertEquals(await pool.run(double, 1), 2);
});

Deno.test("Pool.removeHost() removes this machine's workers too", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({ workers: 2, hosts: server.spec(1) });
  const local = await pool.with({ host: "local" }).runOnAll(pid);
  await pool.removeHost("local");
  for (const id of local) await gone(id);
  assertEquals((await pool.runOnAll(pid)).length, 1);
});

Deno.test("Pool.removeHost() refuses an unknown host, the only one and bad options", async () => {
  await using pool = new Pool({ workers: 1 });
  await assertRejects(
    () => pool.removeHost("far"),
    RangeError,
    `'name' must be "local", but is "far"`,
  );
  await assertRejects(
    () => pool.removeHost("local"),
    RangeError,
    "the pool's only one",
  );
  await assertRejects(
    () => pool.removeHost("local", { wait: true } as object),
    TypeError,
    "'wait'",
  );
  assertEquals(await pool.run(double, 1), 2);
});

Deno.test("Pool.removeHost() removes a host that is being added", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({ workers: 1 });
  await pool.ready;
  const bad = "127.0.0.1:1/1";
  for (const host of [server.spec(1), bad]) {
    const added = pool.addHost({ host, name: "far" });
    const rejected = assertRejects(() => added, Error, "far was removed");
    await pool.removeHost("far");
    await rejected;
    assertEquals(workersOf(pool), [["local", 1]]);
  }
  // Its name is free again.
  const host = await pool.addHost({ host: server.spec(1), name: "far" });
  assertEquals(await pool.with({ host }).run(double, 1), 2);
});

Deno.test("Pool.shutdown() ends a host that is being removed or added", async () => {
  await using server = await startSpawnerServer();
  await using gate = new Gate();
  const pool = new Pool({ workers: 1 });
  const host = await pool.addHost({ host: server.spec(1), name: "far" });
  const call = pool.with({ host }).run(passGate<number>, gate.port, 1);
  await gate.entered();
  const removal = pool.removeHost(host);
  const added = pool.addHost({ host: server.spec(1), name: "new" })
    .catch((error) => error);
  const end = pool.shutdown();
  gate.open();
  assertEquals(await call, 1);
  await Promise.all([end, removal]);
  const result = await added;
  if (result !== "new") assertInstanceOf(result, PoolClosedError);
});

Deno.test("Pool loses no call while a host is added and removed under load", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({ workers: 1 });
  await pool.ready;
  const items = Array.from({ length: 20_000 }, (_, index) => index);
  const map = pool.map(double, items).toArray();
  let isOver = false;
  map.finally(() => isOver = true);
  let rounds = 0;
  while (!isOver || rounds === 0) {
    const host = await pool.addHost({ host: server.spec(2), name: "far" });
    await until(() =>
      isOver ||
      pool.stats().hosts.some(({ name, done }) => name === "far" && done > 0)
    );
    await pool.removeHost(host);
    rounds++;
  }
  assertEquals(await map, items.map(double));
  assertEquals(pool.stats().done, items.length);
});
