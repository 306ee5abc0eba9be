import { assertEquals } from "@std/assert";
import { Pool } from "../../mod.ts";
import { explained } from "../helpers/explained.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { until } from "../helpers/processes.ts";
import { startSpawnerServer, TOKEN } from "../helpers/spawner_server.ts";
import { StderrText } from "../helpers/stderr_text.ts";
import { sshTest, startSshServer } from "../helpers/ssh_server.ts";

const square = (x: number) => x * x;

sshTest(
  "Pool.explain() says when a lost ssh host is reached again",
  async () => {
    await using server = await startSshServer();
    const { destination, sshArgs, knownHosts } = server;
    await using pool = new Pool({
      workers: 1,
      hosts: { host: `${destination}/1`, sshArgs, name: "far" },
      stdio: "null",
    });
    const there = pool.with({ host: "far" });
    assertEquals(await there.run(square, 2), 4);
    // Meanwhile, ssh doesn't trust the host.
    const hidden = `${knownHosts}-hidden`;
    await Deno.rename(knownHosts, hidden);
    await server.killSessions();
    await until(() => pool.stats().workers === 1);
    const future = there.submit(square, 3);
    await explained(
      pool,
      /^The task 'square' waits for a worker: the host far was lost \d+ m?s ago and is tried again in \d+ m?s \(.+\)\.$/,
      future,
    );
    await explained(
      pool,
      /^1 task for the host 'far' waits for a worker: the host far was lost \d+ m?s ago and is being connected to again \(.+\)\.$/,
    );
    await Deno.rename(hidden, knownHosts);
    assertEquals(await future, 9);
  },
);

Deno.test("Pool.explain() says when a lost spawner server is reached again", async () => {
  await using gate = new Gate();
  await using server = await startSpawnerServer();
  await using pool = new Pool({
    workers: 1,
    hosts: { host: server.spec(1), name: "far" },
    stdio: "null",
    retries: 1,
  });
  const there = pool.with({ host: "far" });
  const held = there.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const waiting = there.submit(square, 3);
  await explained(
    pool,
    /the only worker where it may run is busy \(far worker 1 has run 'passGate' for/,
    waiting,
  );
  server.kill("SIGKILL");
  await explained(
    pool,
    /^The task 'passGate' waits for a worker, as the worker was lost and it runs again alone: the host far was lost \d+ m?s ago and is tried again in \d+ m?s \(.+\)\.$/,
    held,
  );
  await explained(
    pool,
    /^The task 'square' waits for a worker: the host far was lost/,
    waiting,
  );
  held.cancel();
  waiting.cancel();
});

sshTest(
  "Pool.explain() says who has the resources of other machines",
  async () => {
    await using gate = new Gate();
    await using ssh = await startSshServer();
    await using spawner = await startSpawnerServer();
    const { sshArgs } = ssh;
    await using pool = new Pool({
      workers: 1,
      hosts: [
        { host: ssh.spec(2), sshArgs, name: "by ssh", resources: { gpu: 1 } },
        { host: spawner.spec(2), name: "at spawner", resources: { tpu: 1 } },
      ],
    });
    await pool.ready;
    const cases = [["gpu", "by ssh"], ["tpu", "at spawner"]] as const;
    for (const [resource, name] of cases) {
      const runner = pool.with({ resources: { [resource]: 1 } });
      const held = runner.submit(passGate<number>, gate.port, 1);
      await gate.entered();
      const waiting = runner.submit(square, 2);
      await explained(
        pool,
        new RegExp(
          `\\(${resource}: 1\\) isn't free: 'passGate' on ${name} worker [12] has ${resource}: 1\\.$`,
        ),
        waiting,
      );
      gate.open();
      assertEquals(await Promise.all([held, waiting]), [1, 4]);
    }
    const never = pool.with({ resources: { gpu: 2 }, onUnmet: "wait" })
      .submit(square, 3);
    await explained(
      pool,
      /none has what it asks for \(gpu: 2\), and there is local \(without labels and resources\), by ssh \(gpu: 1\), at spawner \(tpu: 1\), so it waits/,
      never,
    );
    never.cancel();
  },
);

Deno.test("Pool warns on stderr when tasks wait for a lost spawner server", async () => {
  await using server = await startSpawnerServer();
  await using pool = new Pool({
    workers: 1,
    hosts: { host: server.spec(1), name: "far" },
    stallWarning: 400,
  });
  await pool.ready;
  using stderr = new StderrText();
  server.kill("SIGKILL");
  await until(() => pool.stats().workers === 1);
  const waiting = pool.with({ host: "far" }).submit(square, 3);
  const warning =
    /^\[distex\] Nothing has moved for \d+ m?s \(stallWarning\)\. 1 task for the host 'far' waits for a worker: the host far was lost \d+ m?s ago and is .+\.$/m;
  await until(() => warning.test(stderr.text));
  waiting.cancel();
});

Deno.test("Pool.explain() says that no worker has joined", async () => {
  await using pool = new Pool({
    workers: 0,
    listen: { hostname: "127.0.0.1", token: TOKEN },
  });
  await pool.ready;
  const future = pool.submit(square, 2);
  await explained(
    pool,
    /^The task 'square' waits for a worker: no worker has joined yet\.$/,
    future,
  );
  future.cancel();
});

Deno.test("Pool.explain() says that jobs run and haven't connected", async () => {
  await using pool = new Pool({
    workers: 0,
    listen: { hostname: "127.0.0.1" },
    hosts: {
      launch: ["sh", "-c", "exec sleep 600", "sh", "{command}"],
      workers: 2,
      name: "batch",
    },
    stdio: "null",
  });
  const future = pool.submit(square, 2);
  await explained(
    pool,
    /^The task 'square' waits for a worker: 2 jobs have run for the host batch for \d+ m?s without connecting\.$/,
    future,
  );
  future.cancel();
});

Deno.test("Pool.explain() says that a host starts workers when tasks come", async () => {
  await using gate = new Gate();
  await using pool = new Pool({
    workers: { min: 0, max: 1 },
    initializer: passGate<string>,
    initializerArgs: [gate.port, ""],
  });
  await pool.ready;
  const future = pool.submit(square, 2);
  await explained(
    pool,
    /^The task 'square' waits for a worker: 1 worker has been starting on the host local for \d+ m?s\.$/,
    future,
  );
  await gate.entered();
  await explained(
    pool,
    /: 1 worker has connected from the host local, and isn't initialized yet\.$/,
    future,
  );
  gate.open();
  assertEquals(await future, 4);
});

Deno.test("Pool.explain() says when a lost worker is replaced", async () => {
  await using pool = new Pool({ workers: 1, stdio: "null" });
  // The first replacement starts at once, the next one after a pause.
  for (let loss = 0; loss < 2; loss++) {
    await pool.run(() => Deno.exit(1)).catch(() => {});
  }
  const future = pool.submit(square, 2);
  await explained(
    pool,
    /^The task 'square' waits for a worker: the host local replaces a lost worker in \d+ m?s\.$/,
    future,
  );
  assertEquals(await future, 4);
});
