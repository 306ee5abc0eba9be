import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Pool, type PoolOptions, WorkerLostError } from "../../../mod.ts";
import { makeCertificate } from "../../../src/transport/certificate.ts";
import { CERTIFICATE_NAME } from "../../../src/transport/connect.ts";
import { testConformance } from "../../conformance/conformance.ts";
import { testSharedConformance } from "../../conformance/shared_conformance.ts";
import { Gate } from "../../helpers/gate.ts";
import { exists, gone, until } from "../../helpers/processes.ts";
import { double, loop } from "../../programs/cancel_tasks.ts";
import { TestFolder } from "../../programs/loss_fixture.ts";
import {
  type SpawnerServerProcess,
  startSpawnerServer,
  TOKEN,
} from "../../helpers/spawner_server.ts";

const certificate = await makeCertificate();
const tls = { caCerts: [certificate.cert], serverName: CERTIFICATE_NAME };

let plain: SpawnerServerProcess;
let secured: SpawnerServerProcess;

Deno.test.beforeAll(async () => {
  plain = await startSpawnerServer();
  secured = await startSpawnerServer({ certificate, token: TOKEN });
});

Deno.test.afterAll(async () => {
  await plain[Symbol.asyncDispose]();
  await secured[Symbol.asyncDispose]();
});

testConformance({
  name: "spawner",
  options: () => ({ workers: 0, hosts: plain.spec(2) }),
});

testSharedConformance({
  name: "spawner, TLS",
  options: () => ({
    workers: 0,
    hosts: { host: secured.spec(2), tls },
    token: TOKEN,
  }),
});

/** A task: returns the address that its worker connects to. */
const connectArgument = () => Deno.args[1]!;

Deno.test("ServerConnector makes workers connect to the pool's address as the server sees it", async () => {
  await using pool = new Pool(0, plain.spec(2));
  for (const address of await pool.runOnAll(connectArgument)) {
    assertMatch(address, /^tcp:127\.0\.0\.1:\d+$/);
  }
});

Deno.test("ServerConnector makes workers connect with TLS when the server has TLS", async () => {
  await using pool = new Pool(0, { host: secured.spec(1), tls, token: TOKEN });
  const [address] = await pool.runOnAll(connectArgument);
  assertMatch(address!, /^tls:127\.0\.0\.1:\d+$/);
});

Deno.test("ServerConnector makes workers connect to the address in 'listen'", async () => {
  const port = freePort();
  await using pool = new Pool(0, plain.spec(1), {
    listen: { hostname: "localhost", port },
  });
  assertEquals(await pool.runOnAll(connectArgument), [`tcp:localhost:${port}`]);
});

Deno.test("Pool uses one spawner server with TLS and another one without", async () => {
  await using pool = new Pool(0, [
    plain.spec(1),
    { host: secured.spec(1), tls, token: TOKEN, name: "secured" },
  ]);
  const addresses = await pool.runOnAll(connectArgument);
  assertEquals(addresses.map((address) => address.slice(0, 3)).sort(), [
    "tcp",
    "tls",
  ]);
});

Deno.test({
  name: "ServerConnector connects to a server by IPv4 and IPv6",
  ignore: !hasIPv6(),
  async fn() {
    await using server = await startSpawnerServer({
      token: TOKEN,
      args: ["--host", "::"],
    });
    for (const hostname of ["127.0.0.1", "[::1]"]) {
      await using pool = new Pool({
        workers: 0,
        hosts: `${hostname}:${server.port}/1`,
        token: TOKEN,
        permissions: "none",
      });
      assertEquals(await pool.run((x: number) => x + 1, 1), 2);
    }
  },
});

function hasIPv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("Pool starts a worker for each CPU of a spawner server by default", async () => {
  await using pool = new Pool(0, plain.spec(0));
  await pool.ready;
  assertEquals(pool.totalWorkers, navigator.hardwareConcurrency);
  assertEquals(pool.stats().workers, navigator.hardwareConcurrency);
});

Deno.test("Pool gives workers of a spawner server env, cwd, denoArgs and permissions", async () => {
  const cwd = await Deno.realPath(await Deno.makeTempDir());
  try {
    await using pool = new Pool({
      workers: 0,
      hosts: {
        host: plain.spec(1),
        env: { DISTEX_TEST: "host" },
        cwd,
        denoArgs: ["--seed=7"],
        permissions: { env: ["DISTEX_TEST", "DISTEX_POOL"], read: [cwd] },
      },
      env: { DISTEX_TEST: "pool", DISTEX_POOL: "pool" },
      denoArgs: ["--v8-flags=--expose-gc"],
    });
    const seen = await pool.run(async () => ({
      env: [Deno.env.get("DISTEX_TEST"), Deno.env.get("DISTEX_POOL")],
      cwd: Deno.cwd(),
      gc: "gc" in globalThis,
      run: (await Deno.permissions.query({ name: "run" })).state,
    }));
    assertEquals(seen, {
      env: ["host", "pool"],
      cwd,
      gc: true,
      run: "prompt",
    });
  } finally {
    await Deno.remove(cwd);
  }
});

Deno.test("Pool prints the output of workers of a spawner server", async () => {
  const program = new URL("../../programs/spawner_print.ts", import.meta.url);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program.href, plain.spec(1)],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  const name = "[127.0.0.1 worker 1]";
  assertEquals(
    decoder.decode(stdout),
    `${name} one\n${name} two\n${name} no end\n`,
  );
  assertEquals(decoder.decode(stderr), `${name} three\n`);
});

/** A task: makes a file, and blocks its worker, which then reads no more. */
function noteAndBlock(file: string): never {
  Deno.writeTextFileSync(file, "");
  for (;;);
}

for (const security of ["without TLS", "with TLS"]) {
  const options = (): PoolOptions => ({
    workers: 0,
    hosts: security === "with TLS"
      ? { host: secured.spec(1), tls, token: TOKEN }
      : plain.spec(1),
    prefetch: 7,
    cancelGrace: 100,
  });

  Deno.test(`Pool runs the calls behind a call whose worker it ends on a server ${security}`, async () => {
    await using gate = new Gate();
    await using pool = new Pool(options());
    const endless = pool.with({ timeout: 200 }).run(loop, gate.port);
    const behind = [1, 2, 3].map((x) => pool.run(double, x));
    await assertRejects(() => endless, DOMException, "timeout");
    assertEquals(await Promise.all(behind), [2, 4, 6]);
  });

  Deno.test(`Pool counts all calls as begun on a worker that is killed on a server ${security}`, async () => {
    await using folder = new TestFolder();
    await using pool = new Pool(options());
    const [pid] = await pool.runOnAll(() => Deno.pid);
    const file = folder.file("blocked");
    const calls: Promise<unknown>[] = [pool.run(noteAndBlock, file)];
    await until(() => exists(file));
    // The worker hasn't read them, which resets the connection.
    calls.push(...[1, 2].map((x) => pool.run(double, x)));
    await until(() => pool.stats().running === 3);
    Deno.kill(pid!, "SIGKILL");
    for (const call of calls) await assertRejects(() => call, WorkerLostError);
  });
}

Deno.test("Pool leaves no worker on a spawner server when it has shut down", async () => {
  const pool = new Pool(0, plain.spec(2));
  const pids = await pool.runOnAll(() => Deno.pid);
  await pool.shutdown();
  for (const pid of pids) await gone(pid);
});

/** Returns a port that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
