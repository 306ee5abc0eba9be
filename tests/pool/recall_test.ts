import { assertEquals } from "@std/assert";
import { importTasks, Pool, type PoolOptions } from "../../mod.ts";
import { Gate } from "../helpers/gate.ts";
import { HeldTasks, type Hold } from "../helpers/held_tasks.ts";
import { until } from "../helpers/processes.ts";
import { realDeadline, realDelay } from "../helpers/real_timers.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";
import { count } from "../helpers/stream_fixture.ts";

const isUnix = Deno.build.os !== "windows";

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

function within<T>(promise: Promise<T>): Promise<T> {
  return realDeadline(promise, TIMEOUT);
}

/** Workers that are busy with held tasks, and calls that wait behind these. */
interface Scene<T> extends AsyncDisposable {
  readonly pool: Pool;
  readonly tasks: HeldTasks;
  /** The held tasks of the first worker. */
  readonly first: number[];
  /** The held tasks of the second worker. */
  readonly second: number[];
  /** The outcomes of the calls that wait. */
  readonly waiting: T[];
}

/** The number of calls that wait behind the held ones. */
const WAITING = 12;

/**
 * Makes a pool of two workers that are busy with held tasks, and sends calls
 * that have to wait.
 */
async function busyPool<T>(
  options: PoolOptions,
  call: (pool: Pool, tasks: HeldTasks, x: number) => T,
  hold: Hold = "async",
): Promise<Scene<T>> {
  const { concurrency = 1 } = options;
  const held = range(0, 2 * concurrency);
  const tasks = new HeldTasks(held, hold);
  const pool = new Pool({ workers: 2, prefetch: 8, ...options });
  const running = held.map((x) => pool.run(tasks.task, x));
  for (const call of running) call.catch(() => {});
  await tasks.held(...held);
  const pid = tasks.pidOf(0);
  return {
    pool,
    tasks,
    first: held.filter((x) => tasks.pidOf(x) === pid),
    second: held.filter((x) => tasks.pidOf(x) !== pid),
    waiting: range(held.length, held.length + WAITING)
      .map((x) => call(pool, tasks, x)),
    async [Symbol.asyncDispose]() {
      await tasks[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
    },
  };
}

const run = (pool: Pool, { task }: HeldTasks, x: number) => pool.run(task, x);

const KINDS: Readonly<Record<string, PoolOptions>> = {
  "one call at a time": {},
  "several calls at once": { concurrency: 2 },
  "structured values": { codec: "structured" },
  "workers that run few tasks": { maxTasksPerWorker: 4 },
};

for (const [kind, options] of Object.entries(KINDS)) {
  Deno.test(`Pool moves calls that wait behind a long one to an idle worker (${kind})`, async () => {
    await using scene = await busyPool(options, run);
    const { tasks, first, second, waiting } = scene;
    tasks.release(...first);
    const held = first.length + second.length;
    const xs = range(held, held + WAITING);
    assertEquals(await within(Promise.all(waiting)), xs);
    tasks.release(...second);
    await scene.pool.shutdown();
    assertEquals(tasks.sorted, range(0, held + WAITING));
  });
}

Deno.test("Pool moves no call of a worker that is blocked, and runs each once", async () => {
  await using scene = await busyPool({}, run, "sync");
  const { tasks, first, second, waiting, pool } = scene;
  tasks.release(...first);
  // The idle worker has answered, so calls were asked for.
  await within(Promise.any(waiting));
  assertEquals(await within(pool.run(() => "idle")), "idle");
  tasks.release(...second);
  assertEquals(await within(Promise.all(waiting)), range(2, 2 + WAITING));
  assertEquals(tasks.sorted, range(0, 2 + WAITING));
});

const CHUNKS: Readonly<
  Record<string, { chunkSize?: number; prefetch?: number; spread?: boolean }>
> = {
  "default": {},
  "chunks of 10": { chunkSize: 10 },
  "chunks of 10, prefetch 0": { chunkSize: 10, prefetch: 0 },
  "chunks of 10, prefetch 8": { chunkSize: 10, prefetch: 8 },
  "single items, prefetch 8": { chunkSize: 1, prefetch: 8 },
};

for (
  const [kind, { prefetch = "auto", ...options }] of Object.entries(CHUNKS)
) {
  Deno.test(`Pool.map() returns all results but that of a long task (${kind})`, async () => {
    await using tasks = new HeldTasks([0]);
    await using pool = new Pool({ workers: 2, prefetch });
    const results = pool.map(tasks.task, range(0, 40), {
      ...options,
      ordered: false,
    });
    const read: number[] = [];
    const iterator = results[Symbol.asyncIterator]();
    while (read.length < 39) {
      read.push((await within(iterator.next())).value!);
    }
    assertEquals(read.toSorted((a, b) => a - b), range(1, 40));
    await tasks.held(0);
    tasks.release(0);
    assertEquals(await iterator.next(), { value: 0, done: false });
    assertEquals((await iterator.next()).done, true);
    assertEquals(tasks.sorted, range(0, 40));
  });

  Deno.test(`Pool.map() returns results in order although calls were moved (${kind})`, async () => {
    await using tasks = new HeldTasks([0, 25]);
    await using pool = new Pool({ workers: 3, prefetch });
    const results = pool.map(tasks.task, range(0, 40), options).toArray();
    await tasks.held(0, 25);
    await until(() => tasks.begun.length === 40);
    tasks.release(0, 25);
    assertEquals(await within(results), range(0, 40));
    assertEquals(tasks.sorted, range(0, 40));
  });
}

Deno.test("Pool.map() spreads long tasks after many short ones over all workers", async () => {
  const long = range(2_000, 2_004);
  await using tasks = new HeldTasks(long);
  await using pool = new Pool(4);
  const results = pool.map(tasks.task, range(0, 2_100)).toArray();
  await tasks.held(...long);
  tasks.release(...long);
  assertEquals(await within(results), range(0, 2_100));
  assertEquals(tasks.sorted, range(0, 2_100));
});

/** Stops the process of a worker until the scope ends. */
function stop(pid: number): Disposable {
  Deno.kill(pid, "SIGSTOP");
  return { [Symbol.dispose]: () => Deno.kill(pid, "SIGCONT") };
}

/** Waits until the first worker has ended all calls that it has. */
async function firstIsIdle({ pool, waiting }: Scene<unknown>): Promise<void> {
  await within(Promise.any(waiting));
  await within(pool.run(() => {}));
}

for (const when of ["before", "after"] as const) {
  for (const how of ["cancelled", "aborted"] as const) {
    Deno.test({
      name:
        `Pool runs no call that is ${how} ${when} the worker is asked for it`,
      ignore: !isUnix,
      async fn() {
        const controller = new AbortController();
        const { signal } = controller;
        await using scene = await busyPool(
          {},
          (pool, { task }, x) =>
            x % 2 === 0
              ? pool.with({ signal }).submit(task, x)
              : pool.submit(task, x),
        );
        const { pool, tasks, first, second, waiting } = scene;
        const end = () => {
          if (how === "aborted") return controller.abort(new Error("enough"));
          for (const [index, future] of waiting.entries()) {
            if (index % 2 === 0) future.cancel();
          }
        };
        const pids = [tasks.pidOf(0), tasks.pidOf(1)].toSorted();
        for (const future of waiting) future.catch(() => {});
        if (when === "before") {
          end();
          // Until the first worker has answered: it is about to begin others.
          await until(() => pool.stats().running <= 2 + WAITING - WAITING / 4);
        }
        {
          using _ = stop(tasks.pidOf(second[0]!));
          tasks.release(...first);
          await firstIsIdle(scene);
          if (when === "after") end();
        }
        const outcomes = await within(Promise.allSettled(waiting));
        const ended = range(2, 2 + WAITING)
          .filter((_, index) => outcomes[index]!.status === "rejected");
        const others = range(2, 2 + WAITING).filter((x) => !ended.includes(x));
        tasks.release(...second);
        await within(pool.runOnAll(() => {}));
        for (const x of others) assertEquals(await waiting[x - 2], x);
        const begunAgain = tasks.begun.filter((x, at, all) =>
          all.indexOf(x) !== at
        );
        assertEquals(begunAgain, []);
        if (when === "before") {
          assertEquals(ended, range(2, 2 + WAITING).filter((x) => x % 2 === 0));
          assertEquals(
            tasks.sorted,
            [0, 1, ...others].toSorted((a, b) => a - b),
          );
        }
        assertEquals(
          (await pool.runOnAll(() => Deno.pid)).toSorted(),
          pids,
        );
      },
    });
  }
}

Deno.test({
  name:
    "Pool moves the calls of a worker that is killed when it is asked for them",
  ignore: !isUnix,
  async fn() {
    await using scene = await busyPool({}, run);
    const { tasks, first, second, waiting } = scene;
    const victim = tasks.pidOf(second[0]!);
    Deno.kill(victim, "SIGSTOP");
    tasks.release(...first);
    await firstIsIdle(scene);
    Deno.kill(victim, "SIGKILL");
    assertEquals(await within(Promise.all(waiting)), range(2, 2 + WAITING));
    assertEquals(tasks.sorted, range(0, 2 + WAITING));
  },
});

Deno.test("Pool moves the calls of a worker that is killed after it gave some back", async () => {
  await using scene = await busyPool({}, run);
  const { tasks, first, second, waiting } = scene;
  tasks.release(...first);
  await within(Promise.any(waiting));
  Deno.kill(tasks.pidOf(second[0]!), "SIGKILL");
  assertEquals(await within(Promise.all(waiting)), range(2, 2 + WAITING));
  assertEquals(tasks.sorted, range(0, 2 + WAITING));
});

Deno.test({
  name:
    "Pool.map() runs no item twice when a worker is killed while it is asked for the rest of a chunk",
  ignore: !isUnix,
  async fn() {
    await using tasks = new HeldTasks([0]);
    await using pool = new Pool({ workers: 2 });
    const results = pool.map(tasks.task, range(0, 40), {
      chunkSize: 10,
      ordered: false,
    }).toArray();
    const ended = results.then(() => {}, () => {});
    await tasks.held(0);
    const victim = tasks.pidOf(0);
    Deno.kill(victim, "SIGSTOP");
    await until(() => tasks.begun.length >= 20);
    Deno.kill(victim, "SIGKILL");
    await within(ended);
    const begun = tasks.begun;
    assertEquals(begun.length, new Set(begun).size);
  },
});

Deno.test("Pool.runOnAll() begins after calls that were moved", async () => {
  await using scene = await busyPool({}, run);
  const { pool, tasks, first, second, waiting } = scene;
  const all = pool.runOnAll(tasks.task, 100);
  tasks.release(...first);
  assertEquals(await within(Promise.all(waiting)), range(2, 2 + WAITING));
  assertEquals(tasks.sorted, range(0, 2 + WAITING));
  tasks.release(...second);
  assertEquals(await within(all), [100, 100]);
});

Deno.test("Pool.runOnAll() runs on each worker although one is idle before another begins", async () => {
  await using gate = new Gate();
  await using pool = new Pool(2);
  const pids = await pool.runOnAll(() => Deno.pid);
  // Both workers have calls that wait for their readers.
  const readers = range(0, 8).map(() => pool.stream(count, 1e9).getReader());
  for (const reader of readers) await reader.read();
  await until(() => pool.stats().running === 0);
  const url = new URL("../programs/gated_module.ts", import.meta.url);
  url.searchParams.set("port", String(gate.port));
  const { pid } = importTasks<typeof import("../programs/gated_module.ts")>(
    url.href,
  );
  const all = pool.runOnAll(pid);
  const first = await gate.entered();
  await gate.entered();
  await first.closeWrite();
  await until(() => pool.stats().running === 1);
  // Enough time to recall the other call, if that were allowed.
  await realDelay(50);
  gate.open();
  assertEquals((await within(all)).toSorted(), pids.toSorted());
  await Promise.all(readers.map((reader) => reader.cancel()));
});

Deno.test("Pool moves no call to a worker of another host", async () => {
  await using server = await startSpawnerServer();
  await using tasks = new HeldTasks([0, 1]);
  await using pool = new Pool({
    workers: 1,
    hosts: { host: server.spec(1), name: "there" },
    prefetch: 8,
  });
  const here = pool.with({ host: "local" });
  const there = pool.with({ host: "there" });
  const held = [here.run(tasks.task, 0), there.run(tasks.task, 1)];
  await tasks.held(0, 1);
  const waiting = range(2, 8).map((x) => here.run(tasks.task, x));
  const free = range(8, 14).map((x) => pool.run(tasks.task, x));
  tasks.release(1);
  await within(Promise.all(free));
  assertEquals(tasks.sorted, [0, 1, ...range(8, 14)]);
  tasks.release(0);
  await within(Promise.all([...held, ...waiting]));
  assertEquals(tasks.sorted, range(0, 14));
  const pid = tasks.pidOf(0);
  assertEquals(
    range(2, 8).map((x) => tasks.pidOf(x)),
    range(2, 8).map(() => pid),
  );
});

Deno.test("Pool runs lost calls in isolation although others were moved", async () => {
  await using scene = await busyPool({ retries: 1 }, run);
  const { pool, tasks, first, second, waiting } = scene;
  const exit = pool.run((path: string) => {
    try {
      Deno.mkdirSync(path);
    } catch {
      return "second try";
    }
    Deno.exit(3);
  }, tasks.path("tried"));
  tasks.release(...first);
  assertEquals(await within(exit), "second try");
  assertEquals(await within(Promise.all(waiting)), range(2, 2 + WAITING));
  tasks.release(...second);
  assertEquals(tasks.sorted, range(0, 2 + WAITING));
});
