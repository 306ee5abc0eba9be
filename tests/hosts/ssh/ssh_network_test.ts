import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  HostError,
  Pool,
  WorkerLostError,
} from "../../../mod.ts";
import { testArgumentBackPressure } from "../../conformance/conformance_arguments.ts";
import { testStreamBackPressure } from "../../conformance/conformance_streams.ts";
import { startDelayingRelay } from "../../helpers/delaying_relay.ts";
import {
  makeNetwork,
  type NetworkHost,
  networkTest,
} from "../../helpers/network.ts";
import { until } from "../../helpers/processes.ts";
import { sshTest } from "../../helpers/ssh_server.ts";
import { isFile, SshSite } from "../../helpers/ssh_fixture.ts";

/** The delay in each direction, in milliseconds. */
const DELAY = 20;

/** Makes ssh notice within seconds that nobody answers any more. */
const IMPATIENT = [
  ["-o", "ServerAliveInterval=1"],
  ["-o", "ServerAliveCountMax=2"],
].flat();

function startSite({ address, namespace }: NetworkHost): Promise<SshSite> {
  return SshSite.start({ address, namespace });
}

/** A task: returns an address of its machine. */
const findAddress = () =>
  Deno.networkInterfaces()
    .find(({ name, family }) => name === "eth0" && family === "IPv4")?.address;

/** A task: blocks its worker for ever. */
function block(path: string): void {
  Deno.writeTextFileSync(path, "");
  while (path !== "");
}

networkTest("Pool runs workers at two ssh hosts across a network", async () => {
  await using network = await makeNetwork(2);
  const [first, second] = network.hosts;
  await using site = await startSite(first!);
  await using other = await startSite(second!);
  await using pool = new Pool({
    workers: 0,
    hosts: [site.host(2), other.host(1)],
  });
  assertEquals(await pool.runOnAll(findAddress), [
    first!.address,
    first!.address,
    second!.address,
  ]);
  const { address } = second!;
  const there = pool.with({ host: address });
  const seen = await there.map(findAddress, [1, 2, 3]).toArray();
  assertEquals(seen, [address, address, address]);
  await pool.shutdown();
  await Promise.all([site.empty(), other.empty()]);
}, { sshd: true });

networkTest(
  "Pool loses the workers of an ssh host when it is cut off, and they end",
  async () => {
    await using network = await makeNetwork(2);
    await using lost = await startSite(network.hosts[0]!);
    await using kept = await startSite(network.hosts[1]!);
    const sshArgs = [...IMPATIENT, ...lost.server.sshArgs];
    await using pool = new Pool({
      workers: 0,
      hosts: [lost.host(2, { name: "lost", sshArgs }), kept.host(1)],
    });
    const path = `${lost.tmpdir}/busy`;
    const task = assertRejects(
      () => pool.with({ host: "lost" }).run(block, path),
      WorkerLostError,
      "lost worker ",
    );
    await until(() => isFile(path));
    await network.cut(network.hosts[0]!);
    await Promise.all([
      task,
      until(() => lost.processes().length === 0),
      until(() => lost.files().length === 0),
    ]);
    await until(() => pool.stats().hosts[0]!.workers === 0);
    assertEquals(await pool.run(findAddress), network.hosts[1]!.address);
  },
  { sshd: true },
);

networkTest("Pool explains that an ssh host can't be reached", async () => {
  await using network = await makeNetwork(1);
  const [host] = network.hosts;
  await using site = await startSite(host!);
  await network.cut(host!);
  await using pool = new Pool({
    workers: 0,
    hosts: site.host(),
    startTimeout: 5_000,
  });
  const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
  assertInstanceOf(cause, HostError);
  assertStringIncludes(cause.message, `${host!.address} can't be reached`);
  assertStringIncludes(cause.message, "timed out");
  assertEquals(cause.step, "connection");
}, { sshd: true });

/** Declares a test of a pool whose workers are at an ssh host far away. */
function testFarAway(
  name: string,
  body: (pool: Pool, site: SshSite) => Promise<void>,
): void {
  sshTest(`Pool (ssh, far away) ${name}`, async () => {
    await using site = await SshSite.start();
    const { server } = site;
    const target = { hostname: server.address, port: server.port };
    await using relay = startDelayingRelay(target, DELAY);
    await using pool = new Pool({
      workers: 0,
      hosts: site.host(0, {
        host: `ssh://${server.user}@127.0.0.1:${relay.port}/2`,
      }),
    });
    await body(pool, site);
  });
}

testFarAway("keeps several calls in flight", async (pool, site) => {
  await pool.ready;
  await assertRejects(
    () =>
      pool.run(() => {
        throw new RangeError("too far");
      }),
    RangeError,
    "too far",
  );
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  assertEquals(await pool.run((bytes: Uint8Array) => bytes, bytes), bytes);

  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  const roundTrips: number[] = [];
  for (let count = 0; count < 5; count++) {
    roundTrips.push(await timed(() => pool.run(() => 1)));
  }
  const roundTrip = Math.min(...roundTrips);
  assert(roundTrip >= 2 * DELAY, `${roundTrip}`);
  const negate = (x: number) => -x;
  const expected = numbers.map(negate);
  const limit = numbers.length * roundTrip / 5;
  const time = await timed(async () => {
    const calls = numbers.map((number) => pool.run(negate, number));
    assertEquals(await Promise.all(calls), expected);
  });
  assertLess(time, limit);
  const mapTime = await timed(async () => {
    const results = pool.map(negate, numbers, { chunkSize: 1 });
    assertEquals(await results.toArray(), expected);
  });
  assertLess(mapTime, limit);
  await pool.shutdown();
  await site.empty();
});

testStreamBackPressure(testFarAway);
testArgumentBackPressure(testFarAway);

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await action();
  return performance.now() - begin;
}
