import { assert, assertEquals, assertMatch } from "@std/assert";
import { type HostSpec, Pool, type PoolOptions } from "../../mod.ts";
import { testSharedConformance } from "../conformance/shared_conformance.ts";
import { HeldTasks } from "../helpers/held_tasks.ts";
import { exists, gone, killNow, until } from "../helpers/processes.ts";
import {
  type SpawnerServerProcess,
  startSpawnerServer,
} from "../helpers/spawner_server.ts";
import { sharedSite } from "../helpers/ssh_fixture.ts";
import { sshTest } from "../helpers/ssh_server.ts";

const shared = sharedSite();
let server: SpawnerServerProcess;
let folder: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "test-fanout-" });
  server = await startSpawnerServer();
});

Deno.test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

/** A kind of host whose workers share a connection. */
interface Kind {
  readonly name: string;
  readonly host: (workers: number) => HostSpec;
  readonly declare: (name: string, body: () => Promise<void>) => void;
}

const KINDS: readonly Kind[] = [
  {
    name: "ssh, fanout",
    host: (workers) => shared.site.host(workers, { fanout: true }),
    declare: sshTest,
  },
  {
    name: "spawner, fanout",
    host: (workers) => ({ host: server.spec(workers), fanout: true }),
    declare: (name, body) => Deno.test(name, body),
  },
  {
    name: "agents, fanout",
    host: (workers) => ({
      launch: ["sh", "-c", "exec {command}"],
      workers,
      workersPerJob: workers,
      folder: `${folder}/jobs`,
      fanout: true,
    }),
    declare: (name, body) => Deno.test(name, body),
  },
];

/** A task: returns the address that its worker connects to. */
const connectArgument = () => Deno.args[1]!;

/** Returns how many sockets this process has open. */
function countSockets(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (target.startsWith("socket:")) count++;
    } catch {
      // It was open only to read the folder.
    }
  }
  return count;
}

{
  const [{ name, host }] = KINDS as [typeof KINDS[0]];
  testSharedConformance({
    name,
    options: () => ({ workers: 0, hosts: host(2) }),
  }, { declare: sshTest });
}

for (const { name, host, declare } of KINDS) {
  const options = (workers: number): PoolOptions => ({
    workers: 0,
    hosts: host(workers),
    startTimeout: 300_000,
  });

  declare(
    `Pool (${name}) has one connection, whatever its workers`,
    async () => {
      const counts: number[] = [];
      for (const workers of [1, 2, 8]) {
        const before = countSockets();
        await using pool = new Pool(options(workers));
        await until(() => pool.stats().workers === workers);
        counts.push(countSockets() - before);
      }
      assertEquals(new Set(counts).size, 1, `${counts}`);
    },
  );

  declare(
    `Pool (${name}) makes workers connect in a private folder, and removes it`,
    async () => {
      const pool = new Pool(options(2));
      const addresses = await pool.runOnAll(connectArgument);
      assertEquals(new Set(addresses).size, 1);
      assertMatch(addresses[0]!, /^unix:\/.*\/workers\.sock$/);
      const folder = addresses[0]!.slice(
        "unix:".length,
        -"/workers.sock".length,
      );
      assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
      await pool.shutdown();
      await until(() => !exists(folder));
    },
  );

  declare(`Pool (${name}) replaces a lost worker`, async () => {
    await using pool = new Pool({ ...options(2), retries: 1 });
    await until(() => pool.stats().workers === 2);
    const before = await pool.runOnAll(() => Deno.pid);
    killNow(before[0]!);
    await gone(before[0]!);
    await until(() => pool.stats().hosts[0]!.lost === 1);
    await until(() => pool.stats().workers === 2);
    const after = await pool.runOnAll(() => Deno.pid);
    assert(after.includes(before[1]!) && !after.includes(before[0]!));
  });

  declare(
    `Pool (${name}) works on while a large value waits for a busy worker`,
    async () => {
      await using tasks = new HeldTasks([0], "sync");
      await using pool = new Pool({ ...options(2), prefetch: 1 });
      const held = pool.run(tasks.task, 0);
      await tasks.held(0);
      const large = pool.run(
        (bytes: Uint8Array) => bytes.length,
        new Uint8Array(2 ** 26),
      );
      const larger = pool.run(
        (bytes: Uint8Array) => bytes.length,
        new Uint8Array(2 ** 26),
      );
      // One of the two is at the busy worker, which doesn't read it.
      await Promise.any([large, larger]);
      for (let x = 0; x < 100; x++) {
        assertEquals(await pool.run((x: number) => x + 1, x), x + 1);
      }
      tasks.release(0);
      assertEquals(await Promise.all([held, large, larger]), [
        0,
        2 ** 26,
        2 ** 26,
      ]);
    },
  );

  declare(
    `Pool (${name}) sends large results from several workers at once`,
    async () => {
      await using pool = new Pool(options(4));
      const sizes = Array.from({ length: 24 }, (_, n) => 3_000_017 + n);
      const results = await pool.map(
        (size: number) => new Uint8Array(size).map((_, at) => at * size),
        sizes,
      ).toArray();
      for (const [index, bytes] of results.entries()) {
        const size = sizes[index]!;
        assertEquals(bytes.length, size);
        for (let at = 0; at < size; at += 9_973) {
          assertEquals(bytes[at], (at * size) & 0xff);
        }
      }
    },
  );
}
