import { assert, assertEquals, assertThrows } from "@std/assert";
import { Pool, type TaskRunner } from "../../mod.ts";
import { testSharedConformance } from "../conformance/shared_conformance.ts";
import { double, naturals, XS } from "../conformance/conformance_fixture.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { useMixedHosts } from "../helpers/mixed_fixture.ts";
import { sshTest } from "../helpers/ssh_server.ts";

const mixed = useMixedHosts();

const PLACES = ["local", "by ssh", "at spawner"];

testSharedConformance(
  { name: "mixed", options: mixed, workers: 3 },
  { declare: sshTest },
);

const pid = () => Deno.pid;

/** Returns the process ids of the workers, by host. */
async function pidsByHost(pool: Pool): Promise<Map<string, number[]>> {
  const pids = new Map<string, number[]>();
  for (const host of new Set(pool.stats().hosts.map(({ name }) => name))) {
    pids.set(host, await pool.with({ host }).runOnAll(pid));
  }
  return pids;
}

/** Returns the process ids of the workers that run calls of each kind. */
async function placesOfCalls(runner: TaskRunner): Promise<Set<number>> {
  return new Set([
    ...await Promise.all(XS.map(() => runner.run(pid))),
    ...await Promise.all(XS.map(() => runner.submit(pid))),
    ...await runner.map(pid, XS.map((): [] => []), { spread: true }).toArray(),
    ...await runner.runOnAll(pid),
  ]);
}

sshTest("Pool.runOnAll() reaches the workers of all hosts", async () => {
  await using pool = new Pool(mixed());
  const pids = await pool.runOnAll(pid);
  assertEquals(pids.length, 3);
  assertEquals(new Set(pids).size, 3);
});

sshTest("Pool.stats() counts the tasks of each host", async () => {
  await using pool = new Pool(mixed());
  await pool.ready;
  const before = pool.stats();
  assertEquals(before.hosts.map(({ kind }) => kind), [
    "local",
    "ssh",
    "spawner",
  ]);
  assertEquals(before.hosts.map(({ name }) => name), PLACES);
  assertEquals(before.hosts.map(({ workers }) => workers), [1, 1, 1]);
  assertEquals([before.workers, before.done, before.failed], [3, 0, 0]);
  for (let count = 0; count < PLACES.length; count++) {
    const place = pool.with({ host: PLACES[count]! });
    for (let call = 0; call <= count; call++) await place.run(double, call);
  }
  const fail = () => Promise.reject(new Error("on purpose"));
  await pool.with({ host: "by ssh" }).run(fail).catch(() => {});
  await pool.map(double, XS).toArray();
  const after = pool.stats();
  const { hosts } = after;
  assertEquals(after.done, 1 + 2 + 3 + XS.length);
  assertEquals(sum(hosts.map(({ done }) => done)), after.done);
  assertEquals(hosts.map(({ failed }) => failed), [0, 1, 0]);
  for (let count = 0; count < PLACES.length; count++) {
    assert(hosts[count]!.done > count, Deno.inspect(hosts));
  }
  assertEquals([after.queued, after.running], [0, 0]);
});

sshTest("Pool.stats() counts the running calls of each host", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ ...mixed(), prefetch: 0 });
  const place = pool.with({ host: "at spawner" });
  const calls = [1, 2, 3].map((value) =>
    place.run(passGate<number>, gate.port, value)
  );
  await gate.entered();
  const { running, queued, hosts } = pool.stats();
  assertEquals([running, queued], [1, 2]);
  assertEquals(hosts.map((host) => host.running), [0, 0, 1]);
  const left = Promise.all(calls);
  gate.open();
  await gate.entered();
  gate.open();
  await gate.entered();
  gate.open();
  assertEquals(await left, [1, 2, 3]);
});

sshTest("Pool.with() runs calls only on the given host", async () => {
  await using pool = new Pool(mixed());
  await pool.ready;
  const pids = await pidsByHost(pool);
  assertEquals([...pids.keys()], PLACES);
  for (const host of PLACES) {
    assertEquals(
      await placesOfCalls(pool.with({ host })),
      new Set(pids.get(host)),
    );
  }
});

sshTest("Pool runs calls on all hosts when none is given", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ ...mixed(), prefetch: 0 });
  // None of them returns before all have begun.
  const task = async (port: number) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(1));
    return Deno.pid;
  };
  const all = (await pool.runOnAll(pid)).sort();
  const runs = Promise.all(PLACES.map(() => pool.run(task, gate.port)));
  for (const _ of PLACES) await gate.entered();
  gate.open();
  assertEquals((await runs).sort(), all);
  const map = pool.map(task, PLACES.map(() => gate.port), { chunkSize: 1 })
    .toArray();
  for (const _ of PLACES) await gate.entered();
  gate.open();
  assertEquals((await map).sort(), all);
});

sshTest(
  "Pool.with() throws when the pool has no such host",
  async () => {
    await using pool = new Pool(mixed());
    assertThrows(
      () => pool.with({ host: "elsewhere" }),
      RangeError,
      `'host' must be "local" or "by ssh" or "at spawner", but is "elsewhere"`,
    );
  },
);

sshTest(
  "Pool.with() makes calls wait for the given host while others are free",
  async () => {
    await using gate = new Gate();
    await using pool = new Pool({ ...mixed(), prefetch: 0 });
    const place = pool.with({ host: "at spawner" });
    const first = place.run(passGate<string>, gate.port, "first");
    await gate.entered();
    let isDone = false;
    const second = place.run(pid).finally(() => isDone = true);
    // The other hosts could run all of these.
    assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
    assert(!isDone);
    gate.open();
    assertEquals(await first, "first");
    assertEquals([await second], await place.runOnAll(pid));
  },
);

sshTest(
  "Pool.map() works with and without a host at the same time",
  async () => {
    await using pool = new Pool(mixed());
    const items = Array.from({ length: 2_000 }, (_, index) => index);
    const expected = items.map(double);
    const runners = [pool, ...PLACES.map((host) => pool.with({ host }))];
    const maps = runners.map((runner) => runner.map(double, items).toArray());
    for (const results of await Promise.all(maps)) {
      assertEquals(results, expected);
    }
  },
);

sshTest(
  "Pool.map() can end early on one host while maps on others continue",
  async () => {
    await using pool = new Pool(mixed());
    const left = pool.with({ host: "by ssh" }).map(double, naturals());
    const read = pool.map(double, XS).toArray();
    for await (const result of left) if (result >= 100) break;
    assertEquals(await read, XS.map(double));
    assertEquals(await pool.with({ host: "by ssh" }).run(double, 4), 8);
  },
);

sshTest("Pool.with() uses all hosts that have the given name", async () => {
  await using pool = new Pool({
    workers: 1,
    hosts: mixed().hosts.map((host) => ({ ...host, name: "twins" })),
  });
  await pool.ready;
  const pids = await pidsByHost(pool);
  assertEquals(pids.get("twins")!.length, 2);
  const place = pool.with({ host: "twins" });
  assertEquals(await place.map(double, XS).toArray(), XS.map(double));
  const { hosts } = pool.stats();
  assertEquals(hosts.map(({ name }) => name), ["local", "twins", "twins"]);
  assertEquals(hosts[0]!.done, 1, "what asked for its process id");
  const [local] = pids.get("local")!;
  assert(!(await placesOfCalls(place)).has(local!));
});

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
