import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { bind, importTasks, Pool } from "../../mod.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { Gate } from "../helpers/gate.ts";
import { pid } from "../programs/cancel_tasks.ts";
import { sshTest, startSshServer } from "../helpers/ssh_server.ts";

const tasks = importTasks<typeof import("../programs/cancel_module.ts")>(
  import.meta.resolve("../programs/cancel_module.ts"),
);

const NAMES = ["byThis", "byFunction", "byBoth"] as const;

for (const name of NAMES) {
  Deno.test(`taskSignal() and this.signal work in a module's task ${name}()`, async () => {
    await using begin = new Gate();
    await using end = new Gate();
    await using pool = new Pool({ workers: 1, cancelGrace: 30_000 });
    const before = await pool.run(pid);
    for (const isBound of [false, true]) {
      const future = isBound
        ? pool.submit(bind(tasks[name], begin.port), end.port)
        : pool.submit(tasks[name], begin.port, end.port);
      await begin.entered();
      future.cancel();
      await end.entered();
      await assertRejects(() => future, DOMException, "cancelled");
    }
    assertEquals(await pool.run(pid), before);
  });
}

Deno.test("this.signal is set in a function, bound or not", async () => {
  await using pool = new Pool(1);
  const task = function (this: unknown, ...args: number[]) {
    const { signal } = this as { signal: AbortSignal };
    return [signal instanceof AbortSignal, signal.aborted, ...args];
  };
  assertEquals(await pool.run(task, 1, 2), [true, false, 1, 2]);
  assertEquals(await pool.run(bind(task, 1), 2), [true, false, 1, 2]);
  const twice = bind(bind(task, 1), 2);
  assertEquals(await pool.run(twice), [true, false, 1, 2]);
  const map = pool.map(bind(task, 1), [2, 3]);
  assertEquals(await map.toArray(), [[true, false, 1, 2], [
    true,
    false,
    1,
    3,
  ]]);
});

Deno.test("taskSignal() returns the signal of the task that calls it", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 10 });
  const xs = Array.from({ length: 50 }, (_, x) => x);
  const same = await pool.map(tasks.isSame, xs).toArray();
  assertEquals(same, xs.map(() => true));
});

Deno.test("taskSignal() throws outside of a task", async () => {
  await using pool = new Pool(1);
  const error = await assertRejects(() => pool.run(tasks.afterAwait), Error);
  assertStringIncludes(error.message, "No task is running");
});

/** The timeout of a map, which the test triggers. */
const TIMEOUT = 10_000_001;

for (const how of ["left", "timed out"]) {
  Deno.test(`taskSignal() is aborted when the map is ${how}`, async () => {
    using time = flowingTime();
    await using begin = new Gate();
    await using end = new Gate();
    await using pool = new Pool({ workers: 1, cancelGrace: 30_000 });
    const before = await pool.run(pid);
    const map = pool.map(
      bind(tasks.byFunction, begin.port),
      [end.port, end.port],
      how === "left" ? {} : { timeout: TIMEOUT },
    );
    const next = map.next().catch((error) => error.name);
    await begin.entered();
    if (how === "left") await map.return!();
    else time.tick(TIMEOUT);
    await end.entered();
    const ended = { done: true, value: undefined } as const;
    assertEquals(await next, how === "left" ? ended : "TimeoutError");
    assertEquals(await pool.run(pid), before);
  });
}

sshTest(
  "taskSignal() works in a module that is sent to another machine",
  async () => {
    await using server = await startSshServer();
    await using begin = new Gate();
    await using end = new Gate();
    await using pool = new Pool({
      workers: 0,
      hosts: { host: server.spec(1), sshArgs: server.sshArgs },
      cancelGrace: 30_000,
    });
    for (const name of NAMES) {
      const future = pool.submit(tasks[name], begin.port, end.port);
      await begin.entered();
      future.cancel();
      await end.entered();
      await assertRejects(() => future, DOMException, "cancelled");
    }
    assertEquals(await pool.run(tasks.isSame, 1), true);
    assertEquals(pool.stats().hosts[0]!.lost, 0);
  },
);
