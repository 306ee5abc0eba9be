import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import {
  BrokenPoolError,
  Pool,
  type PoolOptions,
  WorkerLostError,
} from "../../mod.ts";
import { Gate } from "../helpers/gate.ts";
import { until } from "../helpers/processes.ts";
import {
  complete,
  look,
  lossOf,
  note,
  TestFolder,
  vanished,
} from "../programs/loss_fixture.ts";

/** A delay that exceeds any test's duration, in milliseconds. */
const TIMEOUT = 60_000;

const leave = () => Deno.exit(3);

/** Returns options of a pool that logs each worker's start to a file. */
function noting(path: string): PoolOptions {
  return { initializer: note, initializerArgs: [path, "started"] };
}

/**
 * Returns options that make workers preload a file that the test can change.
 */
function preloading(path: string): PoolOptions {
  Deno.writeTextFileSync(path, "");
  return { denoArgs: ["--preload", path] };
}

/** Returns code that waits at a gate. */
function waitingAt({ port }: Gate): string {
  return `const connection = await Deno.connect({ port: ${port} });
await connection.read(new Uint8Array(1));
connection.close();`;
}

/** Kills workers until the pool breaks, and returns how many died. */
async function exhaust(pool: Pool): Promise<number> {
  for (let deaths = 0;; deaths++) {
    try {
      await pool.run(leave);
    } catch (error) {
      if (error instanceof BrokenPoolError) return deaths;
      if (!(error instanceof WorkerLostError)) throw error;
    }
  }
}

Deno.test("Pool runs the initializer on a replacement before any task", async () => {
  await using pool = new Pool({
    workers: 2,
    initializer: async (value: string) => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      (globalThis as { initialized?: string }).initialized = value;
    },
    initializerArgs: ["yes"],
  });
  const isInitialized = () =>
    (globalThis as { initialized?: string }).initialized === "yes";
  for (let count = 0; count < 3; count++) {
    const lost = lossOf(pool.run(leave));
    const calls = Array.from({ length: 200 }, () => pool.run(isInitialized));
    await lost;
    await complete(pool);
    for (let more = 0; more < 50; more++) calls.push(pool.run(isInitialized));
    const outcomes = await Promise.allSettled(calls);
    assert(
      outcomes.every((outcome) =>
        outcome.status === "rejected" || outcome.value
      ),
    );
  }
  assertEquals(await pool.runOnAll(isInitialized), [true, true]);
});

Deno.test("Pool stops replacing workers and reports the error when their initializer fails", async () => {
  await using folder = new TestFolder();
  Deno.writeTextFileSync(folder.file("starts"), "");
  await using pool = new Pool({
    workers: 1,
    maxRestarts: 2,
    initializer: (path: string) => {
      const isFirst = Deno.readTextFileSync(path) === "";
      Deno.writeTextFileSync(path, "started\n", { append: true });
      if (!isFirst) throw new TypeError("not again");
    },
    initializerArgs: [folder.file("starts")],
  });
  await lossOf(pool.run(leave));
  const error = await assertRejects(() => pool.run(leave), BrokenPoolError);
  assertStringIncludes(error.message, "aren't replaced any more");
  assertStringIncludes(error.message, "initializer failed");
  assertStringIncludes(error.message, "not again");
  assertEquals(folder.lines("starts").length, 3);
});

Deno.test("Pool stops replacing workers that die too often and reports how the last one died", async () => {
  await using folder = new TestFolder();
  await using pool = new Pool({
    workers: 1,
    maxRestarts: 3,
    ...noting(folder.file("starts")),
  });
  assertEquals(await exhaust(pool), 4);
  const error = await assertRejects(() => pool.run(leave), BrokenPoolError);
  assertStringIncludes(error.message, "No worker is left");
  assertStringIncludes(error.message, "lost within a minute");
  assertStringIncludes(error.message, "exit code 3");
  assertEquals(folder.lines("starts").length, 4);
});

Deno.test("Pool counts the losses of all workers of a host together", async () => {
  await using folder = new TestFolder();
  await using pool = new Pool({
    workers: 2,
    maxRestarts: 2,
    ...noting(folder.file("starts")),
  });
  const deaths = await exhaust(pool);
  // The pool continues with the other workers.
  assert(deaths >= 5 && deaths <= 6, `${deaths} deaths`);
  const starts = folder.lines("starts").length;
  assert(starts >= deaths && starts <= 6, `${starts} starts`);
});

Deno.test("Pool continues with the other workers after it stops replacing lost ones", async () => {
  await using pool = new Pool({ workers: 2, maxRestarts: 0 });
  await lossOf(pool.run(leave));
  await until(() => pool.stats().hosts[0]!.error !== undefined);
  const { workers, hosts } = pool.stats();
  assertEquals([workers, pool.totalWorkers], [1, 2]);
  assertStringIncludes(hosts[0]!.error!.message, "exit code 3");
  assertEquals(await pool.runOnAll((x: number) => x + 1, 1), [2]);
});

Deno.test("Pool rejects queued calls if it loses its last worker during a shutdown", async () => {
  await using gate = new Gate();
  const pool = new Pool({ workers: 1, maxRestarts: 0, prefetch: 0 });
  const lost = lossOf(pool.run(async (port: number) => {
    using connection = await Deno.connect({ port });
    await connection.read(new Uint8Array(1));
    Deno.exit(3);
  }, gate.port));
  const queued = assertRejects(() => pool.run(() => 1), BrokenPoolError);
  await gate.entered();
  const shutdown = pool.shutdown();
  gate.open();
  await deadline(Promise.all([lost, queued, shutdown]), TIMEOUT);
});

Deno.test("Pool reports why replacements die while starting", async () => {
  await using folder = new TestFolder();
  const preload = folder.file("preload.js");
  await using pool = new Pool({
    workers: 1,
    maxRestarts: 2,
    ...preloading(preload),
  });
  await pool.ready;
  Deno.writeTextFileSync(preload, `throw new RangeError("bad start")`);
  const lost = lossOf(pool.run(leave));
  const queued = pool.run(() => 1);
  await lost;
  const error = await assertRejects(() => queued, BrokenPoolError);
  assertStringIncludes(error.message, "exit code 1");
  assertStringIncludes(error.message, "bad start");
});

Deno.test("Pool reports why its first workers die while starting", async () => {
  await using folder = new TestFolder();
  const preload = folder.file("preload.js");
  const options = preloading(preload);
  Deno.writeTextFileSync(preload, `throw new RangeError("bad start")`);
  await using pool = new Pool({ workers: 2, ...options });
  const error = await assertRejects(() => pool.ready, BrokenPoolError);
  assertMatch(
    error.message,
    /local worker [12] did not connect \(exit code 1\)/,
  );
  assertStringIncludes(error.message, "bad start");
});

Deno.test("Pool stops replacing workers and reports why when they can't be started", async () => {
  const folder = await Deno.makeTempDir();
  await using pool = new Pool({ workers: 1, maxRestarts: 2, cwd: folder });
  await pool.ready;
  await Deno.remove(folder);
  const lost = lossOf(pool.run(leave));
  const queued = pool.run(() => 1);
  await lost;
  const error = await assertRejects(() => queued, BrokenPoolError);
  assertStringIncludes(error.message, "could not be started");
});

Deno.test("Pool.shutdown() ends a replacement that is starting", async () => {
  await using folder = new TestFolder();
  await using gate = new Gate();
  const preload = folder.file("preload.js");
  const pool = new Pool({ workers: 1, ...preloading(preload) });
  const worker = await pool.run(look);
  Deno.writeTextFileSync(preload, waitingAt(gate));
  await lossOf(pool.run(leave));
  await gate.entered();
  await deadline(pool.shutdown(), TIMEOUT);
  await vanished(worker);
});

Deno.test("Pool.shutdown() cuts short the delay before a replacement", async () => {
  const pool = new Pool(1);
  const workers = [];
  // From the second loss on, each replacement is delayed.
  for (let count = 0; count < 5; count++) {
    workers.push(await pool.run(look));
    await lossOf(pool.run(leave));
  }
  await deadline(pool.shutdown(), TIMEOUT);
  await vanished(...workers);
});

for (
  const [when, what, expected] of [
    ["pause", "ends during the delay before a replacement", 0],
    ["start", "ends while a replacement starts", 0],
    // The program exits with the first result as its code.
    ["map", "waits for a replacement to run a map", 2],
  ] as const
) {
  Deno.test(`Pool leaves nothing when its program ${what}`, async () => {
    await using folder = new TestFolder();
    await using gate = new Gate();
    Deno.writeTextFileSync(folder.file("waiting.js"), waitingAt(gate));
    const output = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        import.meta.resolve("../programs/loss_program.ts"),
        when,
        folder.path,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
    const child = output.spawn();
    // Workers and reaper share stderr, which closes when all of them have
    // ended.
    const ended = child.output();
    try {
      if (when === "start") await gate.entered();
      await child.stdin.close();
      const { code, stdout, stderr } = await deadline(ended, TIMEOUT);
      const decoder = new TextDecoder();
      assertEquals(code, expected, decoder.decode(stderr));
      await vanished(...JSON.parse(decoder.decode(stdout)));
    } finally {
      try {
        child.kill("SIGKILL");
      } catch {
        // The program has already ended.
      }
      await ended;
    }
  });
}
