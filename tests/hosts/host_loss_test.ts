import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import {
  bind,
  BrokenPoolError,
  type HostOptions,
  Pool,
  type PoolOptions,
} from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { makeNetwork, networkTest } from "../helpers/network.ts";
import { killAll, killNow, until } from "../helpers/processes.ts";
import { complete, look, lossOf, vanished } from "../programs/loss_fixture.ts";
import { startSpawnerServer, TOKEN } from "../helpers/spawner_server.ts";
import {
  type SshServer,
  sshTest,
  startSshServer,
} from "../helpers/ssh_server.ts";

/** How long to wait for an expected event, in milliseconds. */
const TIMEOUT = 60_000;

const getPid = () => Deno.pid;

/** A task that never ends by itself. */
const lastForever = () => new Promise<void>(() => {});

/** Returns an ssh server as a pool's host. */
function far({ sshArgs, destination }: SshServer, workers = 2): HostOptions {
  return { host: `${destination}/${workers}`, sshArgs, name: "far" };
}

/** Returns the `ssh` processes of this process. */
function sshClients(): number[] {
  return processes().filter((pid) => {
    const [, program, parent] =
      read(pid, "stat").match(/\((.*)\) [^ZX] (\d+)/s) ?? [];
    return program === "ssh" && Number(parent) === Deno.pid;
  });
}

/** Returns the spawners that an ssh server has started. */
function spawners({ folder }: SshServer): number[] {
  return processes().filter((pid) =>
    read(pid, "environ").split("\0").includes(`DISTEX_TEST_SSHD=${folder}`) &&
    /^\S*deno\0.*--folder/s.test(read(pid, "cmdline"))
  );
}

function processes(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((pid) => pid > 0);
}

function read(pid: number, name: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${name}`);
  } catch {
    return "";
  }
}

/**
 * Makes a pool with a worker on this machine and a host that gets lost. Checks
 * that calls continue, and that the pool connects to the host again.
 *
 * @param lose Makes the host unreachable.
 * @param restore Makes the host reachable again.
 */
async function surviveLoss(
  host: HostOptions,
  lose: () => Promise<void>,
  restore: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, hosts: host, prefetch: 19 });
  const there = pool.with({ host: host.name! });
  const before = await pool.runOnAll(getPid);
  const waits = there.run(bind(passGate<number>), gate.port, 1);
  await gate.entered();
  const again = there.with({ retries: 1 }).run(
    passGate<number>,
    gate.port,
    2,
  );
  await gate.entered();
  const behind = [1, 2, 3, 4].map(() => there.run(bind(getPid)));
  await until(() => pool.stats().running === 6);
  const lost = [waits, ...behind].map(lossOf);
  await lose();
  for (const error of await Promise.all(lost)) {
    assertEquals([error.tries, error.exitStatus], [
      1,
      "the connection to its host was lost",
    ]);
    assertMatch(error.worker, /^far worker [12]$/);
  }
  const { hosts } = pool.stats();
  assertEquals([hosts[1]!.workers, hosts[0]!.error], [0, undefined]);
  assertInstanceOf(hosts[1]!.error, Error);
  const placed = there.run(getPid);
  assertEquals(await pool.with({ host: "local" }).run(getPid), before[0]);
  assertEquals(await pool.run(getPid), before[0]);
  await restore();
  await gate.entered();
  gate.open();
  assertEquals(await again, 2);
  assert(!before.includes(await placed));
  await complete(pool);
  const after = await pool.runOnAll(getPid);
  assertEquals(new Set(after).size, 3);
  assertEquals(after.filter((pid) => before.includes(pid)), [before[0]!]);
  const [, { error, lost: count }] = pool.stats().hosts as [
    unknown,
    { error: unknown; lost: number },
  ];
  assertEquals([error, count], [undefined, 2]);
}

const ENDS: [what: string, lose: (server: SshServer) => Promise<void>][] = [
  ["ssh is killed", () => {
    killAll(sshClients());
    return Promise.resolve();
  }],
  ["sshd's session is killed", async (server) => {
    assert(await server.killSessions() > 0);
  }],
  ["the spawner there is killed", (server) => {
    killAll(spawners(server));
    return Promise.resolve();
  }],
];

for (const fanout of [false, true]) {
  const suffix = fanout ? " (fanout)" : "";
  for (const [what, lose] of ENDS) {
    sshTest(
      `Pool continues and reconnects to an ssh host when ${what}${suffix}`,
      async () => {
        await using server = await startSshServer();
        const host = { ...far(server), fanout };
        await surviveLoss(host, () => lose(server));
      },
    );
  }

  Deno.test(`Pool continues and reconnects to a spawner server when it is restarted${suffix}`, async () => {
    await using server = await startSpawnerServer();
    const host = { host: server.spec(2), name: "far", fanout };
    await using servers = new AsyncDisposableStack();
    await surviveLoss(host, () => {
      server.kill("SIGKILL");
      return Promise.resolve();
    }, async () => {
      const args = ["--port", String(server.port)];
      servers.use(await startSpawnerServer({ args }));
    });
  });
}

Deno.test("Pool.runOnAll() waits for a lost host when it must run there", async () => {
  await using server = await startSpawnerServer();
  const host = { host: server.spec(2), name: "far" };
  await using pool = new Pool({ workers: 1, hosts: host });
  const there = pool.with({ host: "far" });
  const before = await there.runOnAll(getPid);
  const lost = lossOf(there.run(lastForever));
  server.kill("SIGKILL");
  await lost;
  const round = there.runOnAll(getPid);
  const args = ["--port", String(server.port)];
  await using _server = await startSpawnerServer({ args });
  const after = await round;
  assertNotEquals(after, []);
  assert(after.every((pid) => !before.includes(pid)));
});

Deno.test("Pool rejects waiting calls when no lost host comes back in time", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({
    workers: 0,
    hosts: { host: server.spec(1), name: "far" },
    hostTimeout: 1_000,
    prefetch: 0,
  });
  await pool.ready;
  const begun = lossOf(pool.run(lastForever));
  await until(() => pool.stats().running === 1);
  const others = [
    pool.run(getPid),
    pool.with({ retries: 1 }).run(getPid),
    pool.with({ host: "far" }).run(getPid),
    pool.runOnAll(getPid),
  ].map((call) => assertRejects(() => call, BrokenPoolError));
  server.kill("SIGKILL");
  await begun;
  for (const { message } of await Promise.all(others)) {
    assertStringIncludes(message, "No worker is left");
    assertStringIncludes(message, "'hostTimeout' of 1000 ms");
    assertStringIncludes(message, "far");
  }
  await assertRejects(() => pool.run(getPid), BrokenPoolError);
});

Deno.test("Pool runs waiting calls when a lost host comes back in time", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({
    workers: 0,
    hosts: { host: server.spec(1), name: "far" },
    retries: 1,
  });
  const before = await pool.run(getPid);
  server.kill("SIGKILL");
  await until(() => pool.stats().workers === 0);
  const waits = pool.run(getPid);
  const args = ["--port", String(server.port)];
  await using _server = await startSpawnerServer({ args });
  assertNotEquals(await waits, before);
});

Deno.test("Pool.shutdown() ends while a host is lost", async () => {
  await using server = await startSpawnerServer();
  const pool = new Pool({ workers: 1, hosts: server.spec(1) });
  const worker = await pool.with({ host: "local" }).run(look);
  server.kill("SIGKILL");
  await until(() => pool.stats().hosts[1]!.error !== undefined);
  await deadline(pool.shutdown(), TIMEOUT);
  await vanished(worker);
  assertEquals([pool.stats().workers, pool.isReady], [0, false]);
});

/** Cuts a host off; checks that the pool notices and connects to it again. */
async function surviveCut(
  host: HostOptions,
  cut: () => Promise<void>,
  restore: () => Promise<void>,
): Promise<void> {
  await using pool = new Pool({
    workers: 1,
    hosts: host,
    heartbeatTimeout: 2_000,
  });
  const there = pool.with({ host: "far" });
  const before = await there.runOnAll(getPid);
  const task = lossOf(there.run(lastForever));
  await cut();
  assertEquals((await task).exitStatus, "the connection to its host was lost");
  assertStringIncludes(pool.stats().hosts[1]!.error!.message, "2000 ms");
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  await restore();
  await complete(pool);
  const after = await there.runOnAll(getPid);
  assertEquals(after.length, before.length);
  assert(after.every((pid) => !before.includes(pid)));
  assertEquals(pool.stats().hosts[1]!.error, undefined);
}

for (const fanout of [false, true]) {
  networkTest(
    `Pool reconnects to a spawner server that was cut off${
      fanout ? " (fanout)" : ""
    }`,
    async () => {
      await using network = await makeNetwork(1);
      const [host] = network.hosts;
      await using server = await startSpawnerServer({
        host: host!,
        token: TOKEN,
      });
      await surviveCut(
        { host: server.spec(2), name: "far", token: TOKEN, fanout },
        () => network.cut(host!),
        () => network.restore(host!),
      );
    },
  );
}

networkTest(
  "Pool reconnects to an ssh host that was cut off",
  async () => {
    await using network = await makeNetwork(1);
    const [host] = network.hosts;
    const { address, namespace } = host!;
    await using server = await startSshServer({ address, namespace });
    await surviveCut(
      far(server),
      () => network.cut(host!),
      () => network.restore(host!),
    );
  },
  { sshd: true },
);

/** Keeps a program busy for longer than its hosts may be silent. */
async function surviveBusyProgram(options: PoolOptions): Promise<void> {
  await using pool = new Pool({ ...options, heartbeatTimeout: 2_000 });
  const before = await pool.runOnAll(getPid);
  const end = performance.now() + 5_000;
  while (performance.now() < end);
  for (let count = 0; count < 100; count++) {
    assert(before.includes(await pool.run(getPid)));
  }
  assertEquals(await pool.runOnAll(getPid), before);
  const [stats] = pool.stats().hosts;
  assertEquals([stats!.lost, stats!.error], [0, undefined]);
}

Deno.test("Pool doesn't lose a spawner server when its program is busy", async () => {
  await using server = await startSpawnerServer();
  await surviveBusyProgram({ workers: 0, hosts: server.spec(2) });
});

sshTest("Pool doesn't lose an ssh host when its program is busy", async () => {
  await using server = await startSshServer();
  await surviveBusyProgram({ workers: 0, hosts: far(server) });
});

for (const when of ["there", "lost"]) {
  Deno.test(`Pool lets its program end when a host is ${when}`, async () => {
    await using server = await startSpawnerServer();
    const program = import.meta.resolve("../programs/loss_host.ts");
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", program, when, server.spec(1), String(server.pid)],
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const { code } = await deadline(child.status, TIMEOUT);
      assertEquals(code, 0);
    } finally {
      killNow(child.pid);
      await child.status;
    }
  });
}
