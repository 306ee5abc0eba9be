import { assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { Pool, type PoolOptions } from "../../../mod.ts";
import { makeCertificate } from "../../../src/transport/certificate.ts";
import { CERTIFICATE_NAME } from "../../../src/transport/connect.ts";
import { double, XS } from "../../conformance/conformance_fixture.ts";
import { makeNetwork, networkTest } from "../../helpers/network.ts";
import { gone } from "../../helpers/processes.ts";
import { startSpawnerServer, TOKEN } from "../../helpers/spawner_server.ts";

/** An idle machine takes a sixth of this time, in milliseconds. */
const TIMEOUT = 60_000;

/** A task: returns the address that its worker connects to. */
const connectArgument = () => Deno.args[1]!;

const pid = () => Deno.pid;

interface ListenCase {
  readonly name: string;
  /** Values of the option 'listen' for a pool with this address. */
  readonly options: (address: string) => PoolOptions;
}

const LISTEN_CASES: readonly ListenCase[] = [
  { name: "by default", options: () => ({}) },
  {
    name: "with 'listen' 0.0.0.0",
    options: () => ({ listen: { hostname: "0.0.0.0" } }),
  },
  { name: "with 'listen' ::", options: () => ({ listen: { hostname: "::" } }) },
  {
    name: "with 'listen'",
    options: (address) => ({ listen: { hostname: address } }),
  },
];

networkTest(
  "Pool uses a spawner server across a network for each value of 'listen'",
  async () => {
    await using network = await makeNetwork(1);
    const { pool: { address }, hosts: [host] } = network;
    await using server = await startSpawnerServer({
      host: host!,
      token: TOKEN,
    });
    for (const { name, options } of LISTEN_CASES) {
      await using pool = new Pool({
        workers: 0,
        ...options(address),
        hosts: server.spec(2),
        token: TOKEN,
      });
      assertEquals(await pool.map(double, XS).toArray(), XS.map(double), name);
      const [argument] = await pool.runOnAll(connectArgument);
      assertEquals(argument!.replace(/\d+$/, ""), `tcp:${address}:`, name);
    }
    assertMatch(server.logs(), RegExp(`pool 1 from ${address} has connected`));
  },
);

networkTest(
  "Pool uses a spawner server across a network with TLS",
  async () => {
    const certificate = await makeCertificate();
    await using network = await makeNetwork(1);
    const { pool: { address }, hosts: [host] } = network;
    await using server = await startSpawnerServer({
      host: host!,
      token: TOKEN,
      certificate,
    });
    const tls = { caCerts: [certificate.cert], serverName: CERTIFICATE_NAME };
    await using pool = new Pool({
      workers: 0,
      hosts: { host: server.spec(2), tls },
      token: TOKEN,
    });
    assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
    const [argument] = await pool.runOnAll(connectArgument);
    assertEquals(argument!.replace(/\d+$/, ""), `tls:${address}:`);
  },
);

networkTest(
  "Pool uses several spawner servers of a network",
  async () => {
    await using network = await makeNetwork(2);
    await using stack = new AsyncDisposableStack();
    const servers = await Promise.all(
      network.hosts.map(async (host) =>
        stack.use(await startSpawnerServer({ host, token: TOKEN }))
      ),
    );
    await using pool = new Pool({
      workers: 1,
      hosts: servers.map((server) => server.spec(2)),
      token: TOKEN,
    });
    const pids = await pool.runOnAll(pid);
    assertEquals(new Set(pids).size, 5);
    assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
    assertEquals(
      pool.stats().hosts.map(({ name, workers }) => [name, workers]),
      [["local", 1], ...servers.map(({ hostname }) => [hostname, 2])],
    );
  },
);

networkTest(
  "SpawnerServer ends a pool's workers when it can't reach the pool any more",
  async () => {
    await using network = await makeNetwork(2);
    const { pool: { address }, hosts: [lost, kept] } = network;
    using gate = Deno.listen({ hostname: address, port: 0 });
    const options = { token: TOKEN };
    await using lostServer = await startSpawnerServer({
      ...options,
      host: lost!,
    });
    await using keptServer = await startSpawnerServer({
      ...options,
      host: kept!,
    });
    await using pool = new Pool({
      ...options,
      workers: 1,
      hosts: [
        { host: lostServer.spec(2), name: "lost" },
        { host: keptServer.spec(1), name: "kept" },
      ],
      prefetch: 0,
    });
    const there = pool.with({ host: "lost" });
    const pids = await there.runOnAll(pid);
    // One worker is busy, and wouldn't notice by itself.
    const spin = there.run(
      async (hostname: string, port: number) => {
        const connection = await Deno.connect({ hostname, port });
        while (connection !== null);
      },
      address,
      gate.addr.port,
    );
    const spun = spin.catch((error) => error.name);
    using _entered = await gate.accept();
    await network.cut(lost!);
    for (const host of ["local", "kept"]) {
      assertEquals(
        await pool.with({ host }).map(double, XS).toArray(),
        XS.map(double),
      );
    }
    await deadline(Promise.all(pids.map(gone)), TIMEOUT);
    await deadline(lostServer.logged(/can't be reached any more/), TIMEOUT);
    for (const host of ["local", "kept"]) {
      assertEquals(await pool.with({ host }).run(double, 2), 4);
    }
    // This is the only way for the pool to know that it is cut off.
    await network.restore(lost!);
    lostServer.kill("SIGKILL");
    assertEquals(await deadline(spun, TIMEOUT), "WorkerLostError");
  },
);
