import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { Pool, WorkerLostError } from "../../mod.ts";
import { HeldTasks } from "../helpers/held_tasks.ts";

const pidOf = (_key: string) => Deno.pid;

Deno.test("Pool.run() with a key keeps to its worker until that is lost", async () => {
  await using pool = new Pool(2);
  const byKey = pool.with({ key: (key: string) => key });
  const before = await byKey.run(pidOf, "a");
  const other = await byKey.run(pidOf, "b");
  assertNotEquals(before, other);
  await assertRejects(
    () => byKey.run((_key: string) => Deno.exit(1), "a"),
    WorkerLostError,
  );
  const after = await byKey.run(pidOf, "a");
  assertNotEquals(after, before);
  assertEquals([await byKey.run(pidOf, "a"), await byKey.run(pidOf, "b")], [
    after,
    other,
  ]);
});

Deno.test("Pool.run() with a key waits for its worker, though another is free", async () => {
  await using tasks = new HeldTasks([0]);
  await using pool = new Pool(2);
  const one = pool.with({ key: "one" });
  const held = one.run(tasks.task, 0);
  await tasks.held(0);
  const waiting = one.submit(tasks.task, 1);
  assertEquals(await pool.run(tasks.task, 2), 2);
  assertEquals(tasks.begun, [0, 2]);
  tasks.release(0);
  assertEquals([await held, await waiting], [0, 1]);
  assertEquals(tasks.pidOf(0), tasks.pidOf(1));
});

Deno.test("Pool.stream() and transform() obey keys", async () => {
  await using pool = new Pool(2);
  const byKey = pool.with({ key: (key: string) => key });
  const keys = [..."abcdabcd"];
  const mapped = await byKey.map(pidOf, keys).toArray();
  const transformed = await Array.fromAsync(
    ReadableStream.from(keys).pipeThrough(byKey.transform(pidOf)),
  );
  const streamed = await Promise.all(keys.map(async (key) => {
    const stream = byKey.stream(function* (_key: string) {
      yield Deno.pid;
    }, key);
    const [pid] = await Array.fromAsync(stream);
    return pid;
  }));
  assertEquals(transformed, mapped);
  assertEquals(streamed, mapped);
  assertEquals(new Set(mapped).size, 2);
});

Deno.test("Pool.map() with 'spread' passes all arguments to the function that returns keys", async () => {
  await using pool = new Pool(2);
  const keys: string[] = [];
  const byKey = pool.with({
    key: (x: number, y: string) => {
      keys.push(`${x}${y}`);
      return y;
    },
  });
  const task = (x: number, y: string) => `${x}${y}`;
  const args: [number, string][] = [[1, "a"], [2, "b"]];
  const results = await byKey.map(task, args, { spread: true }).settled()
    .toArray();
  assertEquals(results.map(({ status }) => status), ["fulfilled", "fulfilled"]);
  assertEquals(keys, ["1a", "2b"]);
});

Deno.test("Pool.run() and map() throw what the function throws that returns keys", async () => {
  await using pool = new Pool(1);
  const failing = pool.with({
    key: () => {
      throw new RangeError("no key");
    },
  });
  assertThrows(() => failing.run(pidOf, "a"), RangeError, "no key");
  await assertRejects(() => failing.map(pidOf, ["a"]).toArray(), RangeError);
  const wrong = pool.with({ key: (() => 3) as unknown as () => string });
  const message = "'key' must return a string, but returned 3";
  assertThrows(() => wrong.submit(pidOf, "a"), TypeError, message);
  await assertRejects(() => wrong.map(pidOf, ["a"]).toArray(), TypeError);
});

Deno.test("Pool.map() refuses chunks whose items have keys of their own", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const byKey = pool.with({ key: (key: string) => key });
  const message = "'chunkSize' must be 1 or \"auto\" with a function as 'key'";
  assertThrows(
    () => byKey.map(pidOf, [], { chunkSize: 2 }),
    RangeError,
    message,
  );
});

Deno.test("Pool.map() with a string as key runs in chunks at one worker", async () => {
  await using pool = new Pool(2);
  const one = pool.with({ key: "one", speculate: true });
  const items = Array.from({ length: 10_000 }, (_, x) => x);
  const pids = await one.map((_x: number) => Deno.pid, items).toArray();
  assertEquals([pids.length, new Set(pids).size], [10_000, 1]);
});

Deno.test("Pool.map() with a key and resources runs at one worker", async () => {
  await using pool = new Pool({ workers: 2, resources: { gpu: 1 } });
  const one = pool.with({ key: "one", resources: { gpu: 1 } });
  await pool.ready;
  for (const items of [["a"], [..."abcdefgh"]]) {
    const pids = await one.map(pidOf, items).toArray();
    assertEquals([pids.length, new Set(pids).size], [items.length, 1]);
  }
});

Deno.test("Pool.run() with keys uses workers that are added to an elastic pool", async () => {
  await using tasks = new HeldTasks([0, 1, 2]);
  await using pool = new Pool({ workers: { min: 0, max: 3 } });
  const byKey = pool.with({ key: (x: number) => `${x}` });
  const calls = [0, 1, 2].map((x) => byKey.run(tasks.task, x));
  await tasks.held(0, 1, 2);
  tasks.release(0, 1, 2);
  assertEquals(await Promise.all(calls), [0, 1, 2]);
  assert(new Set([0, 1, 2].map((x) => tasks.pidOf(x))).size === 3);
});

Deno.test("Pool.map() runs items with keys that throw again on the same worker", async () => {
  await using pool = new Pool(2);
  const byKey = pool.with({
    key: (key: string) => key,
    retry: { attempts: 3, minTimeout: 1, maxTimeout: 1 },
  });
  const flaky = (key: string) => {
    const runs = globalThis as unknown as Record<string, number>;
    runs[`runs ${key}`] = (runs[`runs ${key}`] ?? 0) + 1;
    if (runs[`runs ${key}`]! < 3) throw new Error("not yet");
    return `${key} ${runs[`runs ${key}`]}`;
  };
  const keys = [..."abcdefgh"];
  const results = await byKey.map(flaky, keys).toArray();
  assertEquals(results, keys.map((key) => `${key} 3`));
});

Deno.test("Pool.map() with a key goes on at the next worker after maxTasksPerWorker", async () => {
  await using pool = new Pool({ workers: 2, maxTasksPerWorker: 7 });
  const items = Array.from({ length: 100 }, (_, x) => x);
  const task = (x: number) => x;
  const one = pool.with({ key: "one", priority: 1 });
  assertEquals(await one.map(task, items).toArray(), items);
  const byKey = pool.with({ key: (x: number) => `${x % 5}` });
  assertEquals(await byKey.map(task, items).toArray(), items);
  const called = await Promise.all(items.map((x) => byKey.run(task, x)));
  assertEquals(called, items);
});
