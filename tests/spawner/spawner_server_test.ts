import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { pathToFileURL } from "node:url";
import { BrokenPoolError, Pool, WorkerLostError } from "../../mod.ts";
import type { ProgramBundle } from "../../src/spawner/program_bundle.ts";
import { SpawnerServer } from "../../src/spawner/spawner_server.ts";
import { WORKER_PROGRAM } from "../../src/spawner/worker_program.ts";
import { findConfig } from "../../src/util/find_config.ts";
import { Gate } from "../helpers/gate.ts";
import { gone, isAlive } from "../helpers/processes.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";

const isWindows = Deno.build.os === "windows";

const pid = () => Deno.pid;

/** A task: goes to the gate, and then blocks its worker for ever. */
const spin = async (port: number) => {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  while (connection !== null);
};

/** A task: waits at the gate. */
const wait = async (port: number) => {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.read(new Uint8Array(1));
};

Deno.test("SpawnerServer logs pools that connect and disconnect", async () => {
  await using server = await startSpawnerServer();
  for (const number of [1, 2]) {
    await using pool = new Pool(0, server.spec(1));
    await pool.ready;
    const line = await server.logged(RegExp(`pool ${number} .* connected`));
    assertMatch(
      line,
      /^\d{4}-\S+Z pool \d from 127\.0\.0\.1 has connected$/,
    );
    await pool.shutdown();
    await server.logged(
      RegExp(`pool ${number} from 127\\.0\\.0\\.1 is gone: .* has closed`),
    );
  }
});

Deno.test("SpawnerServer serves many pools at once", async () => {
  await using server = await startSpawnerServer();
  await using stack = new AsyncDisposableStack();
  const pools = [1, 2, 3, 4, 5].map(() =>
    stack.use(new Pool(0, server.spec(2)))
  );
  const pids = (await Promise.all(pools.map((pool) => pool.runOnAll(pid))))
    .flat();
  assertEquals(new Set(pids).size, 10);
  const items = Array.from({ length: 1_000 }, (_, index) => index);
  const multiply = (x: number, factor: number) => x * factor;
  const maps = pools.map((pool, factor) =>
    pool.map(multiply, items, items.map(() => factor))[Symbol.asyncIterator]()
  );
  // All calls have begun when one of the pools ends.
  for (const map of maps) assertEquals((await map.next()).value, 0);
  const [ended, ...others] = pools;
  await maps[0]!.return?.();
  await ended!.shutdown();
  for (let factor = 1; factor < pools.length; factor++) {
    for (const item of items.slice(1)) {
      assertEquals((await maps[factor]!.next()).value, item * factor);
    }
    assertEquals((await maps[factor]!.next()).done, true);
  }
  assertEquals(
    (await Promise.all(others.map((pool) => pool.run(pid)))).length,
    4,
  );
});

Deno.test("SpawnerServer ends busy workers of a pool whose program is killed", async () => {
  await using gate = new Gate();
  await using server = await startSpawnerServer();
  await using other = new Pool(0, server.spec(1));
  await other.ready;
  const program = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      new URL("../programs/spawner_linger.ts", import.meta.url).href,
      server.spec(2),
      String(gate.port),
    ],
    stdout: "piped",
  }).spawn();
  try {
    await gate.entered();
    await gate.entered();
  } finally {
    program.kill("SIGKILL");
  }
  const pids: number[] = JSON.parse(await new Response(program.stdout).text());
  assertEquals(pids.length, 2);
  for (const pid of pids) await gone(pid);
  await server.logged(/pool 2 .* is gone/);
  await program.status;
  assertEquals(await other.run((x: number) => x + 1, 1), 2);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
  Deno.test({
    name: `SpawnerServer leaves no worker when it gets ${signal}`,
    ignore: isWindows,
    async fn() {
      await using gate = new Gate();
      await using server = await startSpawnerServer();
      await using pool = new Pool({
        workers: 0,
        hosts: server.spec(3),
        prefetch: 0,
        hostTimeout: 1,
      });
      const pids = await pool.runOnAll(pid);
      const tasks = [spin, wait, wait].map((task) => pool.run(task, gate.port));
      const lost = tasks.map((task) =>
        assertRejects(() => task, WorkerLostError)
      );
      for (const _ of tasks) await gate.entered();
      // This connection isn't authenticated.
      using _stranger = await Deno.connect({
        hostname: "127.0.0.1",
        port: server.port,
      });
      server.kill(signal);
      const end = await server.ended();
      await Promise.all(lost);
      for (const pid of pids) await gone(pid);
      if (signal === "SIGKILL") assertEquals(end.signal, signal);
      else {
        assertEquals([end.code, end.signal], [0, null], end.stderr);
        assertMatch(end.stderr, / stopped$/);
      }
      const error = await assertRejects(() => pool.run(pid), BrokenPoolError);
      assertStringIncludes(error.message, "No worker is left");
    },
  });
}

Deno.test("SpawnerServer.close() ends workers and can be called twice", async () => {
  const lines: string[] = [];
  const server = new SpawnerServer({
    hostname: "127.0.0.1",
    port: 0,
    token: "",
    maxWorkers: 4,
    maxWorkersPerPool: 4,
    tls: undefined,
    config: findConfig(Deno.mainModule),
    log: (line) => lines.push(line),
  });
  await using pool = new Pool(0, `127.0.0.1:${server.port}/2`);
  const pids = await pool.runOnAll(pid);
  using _stranger = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.port,
  });
  await server.close();
  assert(!pids.some(isAlive));
  await server.close();
  assertEquals(lines.length, 2, lines.join("\n"));
  await assertRejects(
    () => Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    Deno.errors.ConnectionRefused,
  );
});

/** A file that runs a worker, in a folder that is removed with it. */
class WorkerFile implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();

  /** Its path. */
  readonly path = `${Deno.realPathSync(this.#folder)}/worker.js`;

  constructor() {
    const module = import.meta.resolve("../../src/worker/run_worker.ts");
    Deno.writeTextFileSync(
      this.path,
      `import { runWorker } from "${module}"; await runWorker(Deno.args);`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Starts a server with a bundle in this process. */
function serveBundle(bundle: ProgramBundle): SpawnerServer {
  return new SpawnerServer({
    hostname: "127.0.0.1",
    port: 0,
    token: "",
    maxWorkers: 1,
    maxWorkersPerPool: 1,
    tls: undefined,
    config: findConfig(),
    bundle,
    log: () => {},
  });
}

/** Returns the main module of the worker of a new pool. */
async function mainModule({ port }: SpawnerServer): Promise<string> {
  await using pool = new Pool(0, `127.0.0.1:${port}/1`);
  return await pool.run(() => Deno.mainModule);
}

Deno.test("SpawnerServer starts workers from the bundle of their program", async () => {
  await using file = new WorkerFile();
  await using server = serveBundle({
    find: () => Promise.resolve(file.path),
    make: () => Promise.reject(new Error("It is there")),
  });
  assertEquals(await mainModule(server), pathToFileURL(file.path).href);
});

Deno.test("SpawnerServer makes the bundle for later pools if it is missing", async () => {
  await using file = new WorkerFile();
  const made = Promise.withResolvers<void>();
  let path: string | undefined;
  await using server = serveBundle({
    find: () => Promise.resolve(path),
    make: async () => {
      await made.promise;
      path = file.path;
    },
  });
  assertEquals(await mainModule(server), WORKER_PROGRAM);
  made.resolve();
  assertEquals(await mainModule(server), pathToFileURL(file.path).href);
});

Deno.test("SpawnerServer.close() stops making the bundle", async () => {
  const begun = Promise.withResolvers<void>();
  const server = serveBundle({
    find: () => Promise.resolve(undefined),
    make: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        begun.resolve();
      }),
  });
  await begun.promise;
  await server.close();
});
