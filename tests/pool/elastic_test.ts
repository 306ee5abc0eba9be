import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { BrokenPoolError, Pool, PoolClosedError } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { gone, until } from "../helpers/processes.ts";
import { Random } from "../helpers/random.ts";

/** A time that exceeds any test's duration, in milliseconds. */
const NEVER = 600_000;

/** A task: waits without using the processor, and returns its process id. */
const wait = async (milliseconds: number) => {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return Deno.pid;
};

/** The numbers of workers of a pool, and the most that there were. */
class Watch implements Disposable {
  most = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(pool: Pool) {
    this.#timer = setInterval(() => {
      this.most = Math.max(this.most, pool.totalWorkers, pool.stats().workers);
    }, 1);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Waits until a pool has this many workers, and should have as many. */
async function workers(pool: Pool, count: number): Promise<void> {
  await until(() =>
    pool.stats().workers === count && pool.totalWorkers === count
  );
}

Deno.test("Pool starts its first worker for the first call if its minimum is 0", async () => {
  await using pool = new Pool({ workers: { min: 0, max: 4, idle: NEVER } });
  await pool.ready;
  assert(pool.isReady);
  assertEquals([pool.totalWorkers, pool.stats().workers], [0, 0]);
  assertEquals(await pool.run(() => "done"), "done");
  assertEquals([pool.totalWorkers, pool.stats().workers], [1, 1]);
  assertEquals(pool.stats().queued, 0);
});

Deno.test("Pool starts with its minimum, and keeps it", async () => {
  await using pool = new Pool({ workers: { min: 2, max: 4, idle: 1 } });
  assertEquals(pool.totalWorkers, 2);
  await pool.ready;
  await workers(pool, 2);
  await assertRejects(() => pool.run(() => Deno.exit(3)));
  await workers(pool, 2);
  assertEquals(pool.stats().hosts[0]!.lost, 1);
});

Deno.test("Pool starts nothing until its first call if it is lazy", async () => {
  const range = { min: 0, max: 2, idle: NEVER };
  await using pool = new Pool({ workers: range, lazy: true });
  assertEquals(await pool.run(() => "done"), "done");
});

Deno.test("Pool grows from 0 to 32 workers and back under bursts, and loses nothing", async () => {
  const most = 32;
  await using pool = new Pool({ workers: { min: 0, max: most, idle: 1 } });
  using watch = new Watch(pool);
  let submitted = 0;
  for (const size of [most, 3 * most]) {
    await using gate = new Gate();
    const numbers = Array.from({ length: size }, (_, index) => index);
    const calls = numbers.map((x) => pool.run(passGate<number>, gate.port, x));
    const pids = numbers.map(() => pool.run(wait, 10));
    for (let held = 0; held < most; held++) await gate.entered();
    assertEquals(pool.stats().workers, most);
    for (let held = most; held < size; held++) {
      gate.open();
      await gate.entered();
    }
    gate.open();
    assertEquals(await Promise.all(calls), numbers);
    for (const pid of new Set(await Promise.all(pids))) await gone(pid);
    await workers(pool, 0);
    submitted += 2 * size;
    assertEquals(pool.stats().done, submitted);
  }
  assertEquals(watch.most, most);
  assertEquals([pool.stats().failed, pool.stats().hosts[0]!.lost], [0, 0]);
});

Deno.test("Pool loses no task while its workers come and go all the time", async () => {
  await using pool = new Pool({ workers: { min: 0, max: 6, idle: 1 } });
  const random = new Random(1);
  let submitted = 0;
  for (let round = 0; round < 30; round++) {
    const times = random.list(12, () => random.below(20));
    submitted += times.length;
    const results = await Promise.all([
      ...times.map((time) => pool.run(wait, time)),
    ]);
    assertEquals(results.length, times.length);
    await wait(random.below(10));
  }
  const items = Array.from({ length: 500 }, (_, index) => index);
  const half = (x: number) => x / 2;
  for (let map = 0; map < 3; map++) {
    const results = await pool.map(half, items).toArray();
    assertEquals(results, items.map(half));
    submitted += items.length;
    await workers(pool, 0);
  }
  assertEquals([pool.stats().done, pool.stats().failed], [submitted, 0]);
  assertEquals(pool.stats().hosts[0]!.lost, 0);
});

Deno.test("Pool doesn't end a worker that runs a task, however long it takes", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: { min: 0, max: 2, idle: 1 } });
  const long = pool.run(passGate<string>, gate.port, "done");
  await gate.entered();
  await pool.run(wait, 10);
  await workers(pool, 1);
  gate.open();
  assertEquals(await long, "done");
  await workers(pool, 0);
});

Deno.test("Pool grows for calls that wait behind long ones", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: { min: 1, max: 3, idle: NEVER } });
  const calls = [1, 2, 3].map((x) => pool.run(passGate<number>, gate.port, x));
  for (const _ of calls) await gate.entered();
  await workers(pool, 3);
  gate.open();
  assertEquals(await Promise.all(calls), [1, 2, 3]);
});

Deno.test("Pool grows for a map whose length isn't known", async () => {
  await using pool = new Pool({ workers: { min: 0, max: 3, idle: NEVER } });
  async function* endless() {
    for (;;) yield 5;
  }
  for await (const _ of pool.map(wait, endless(), { chunkSize: 1 })) {
    if (pool.stats().workers === 3) break;
  }
  assertEquals(pool.totalWorkers, 3);
});

Deno.test("Pool.runOnAll() runs on the workers that there are, or starts one", async () => {
  await using pool = new Pool({ workers: { min: 0, max: 4, idle: NEVER } });
  assertEquals((await pool.runOnAll(() => Deno.pid)).length, 1);
  await using gate = new Gate();
  const calls = [1, 2].map((x) => pool.run(passGate<number>, gate.port, x));
  for (const _ of calls) await gate.entered();
  gate.open();
  await Promise.all(calls);
  assertEquals((await pool.runOnAll(() => Deno.pid)).length, 2);
});

Deno.test("Pool.runOnAll() fails on no worker that ends meanwhile", async () => {
  await using pool = new Pool({ workers: { min: 0, max: 4, idle: 1 } });
  for (let round = 0; round < 20; round++) {
    const calls = Array.from({ length: 8 }, () => pool.run(wait, 5));
    const all = pool.runOnAll(() => "here");
    await Promise.all(calls);
    const results = await all;
    assert(results.length > 0 && results.every((text) => text === "here"));
  }
  assertEquals(pool.stats().hosts[0]!.lost, 0);
});

Deno.test("Pool runs a lost call again in isolation with changing workers", async () => {
  const path = await Deno.makeTempFile();
  const dieOnce = async (path: string) => {
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, `${text}x`);
    if (text.length < 2) Deno.exit(3);
    return text;
  };
  try {
    const range = { min: 0, max: 3, idle: 1 };
    await using pool = new Pool({ workers: range, retries: 3 });
    const others = Array.from({ length: 20 }, () => pool.run(wait, 5));
    assertEquals(await pool.run(dieOnce, path), "xx");
    await Promise.all(others);
    await workers(pool, 0);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("Pool runs the initializer in workers that start later", async () => {
  const prepare = (text: string) => {
    (globalThis as { prepared?: string }).prepared = text;
  };
  await using pool = new Pool({
    workers: { min: 0, max: 2, idle: NEVER },
    initializer: prepare,
    initializerArgs: ["prepared"],
  });
  const task = () => (globalThis as { prepared?: string }).prepared;
  assertEquals(await pool.run(task), "prepared");
});

Deno.test("Pool rejects calls if no worker can be started for them", async () => {
  await using pool = new Pool({
    workers: { min: 0, max: 2 },
    initializer: () => {
      throw new Error("no good");
    },
    maxRestarts: 0,
  });
  await pool.ready;
  await assertRejects(() => pool.run(() => 1), BrokenPoolError, "no good");
});

Deno.test("Pool.shutdown() finishes the calls of a pool that grows, and leaves nothing", async () => {
  const pool = new Pool({ workers: { min: 0, max: 8, idle: NEVER } });
  const calls = Array.from({ length: 60 }, () => pool.run(wait, 20));
  const closing = pool.shutdown();
  const pids = new Set(await Promise.all(calls));
  await closing;
  for (const pid of pids) await gone(pid);
  await assertRejects(() => pool.run(() => 1), PoolClosedError);
});

Deno.test("Pool.terminate() ends workers that start", async () => {
  const pool = new Pool({ workers: { min: 1, max: 8, idle: NEVER } });
  await pool.ready;
  const calls = Array.from({ length: 60 }, () => pool.run(wait, 1_000));
  const rejected = calls.map((call) => assertRejects(() => call, DOMException));
  await until(() => pool.totalWorkers > 2);
  await pool.terminate();
  await Promise.all(rejected);
});

Deno.test("Pool keeps few workers for calls that are awaited one by one", async () => {
  await using pool = new Pool({ workers: { min: 0, max: 8, idle: 50 } });
  using watch = new Watch(pool);
  for (let count = 0; count < 50; count++) await pool.run(wait, 5);
  assertLessOrEqual(watch.most, 1);
});

Deno.test("Pool grows no further for calls that wait for a resource", async () => {
  await using gate = new Gate();
  await using pool = new Pool({
    workers: { min: 0, max: 8, idle: NEVER },
    resources: { gpu: 1 },
  });
  using watch = new Watch(pool);
  const gpus = pool.with({ resources: { gpu: 1 } });
  const calls = [1, 2, 3].map((x) => gpus.run(passGate<number>, gate.port, x));
  for (const _ of calls) {
    await gate.entered();
    gate.open();
  }
  assertEquals(await Promise.all(calls), [1, 2, 3]);
  assertEquals(watch.most, 1);
  const last = gpus.run(passGate<number>, gate.port, 4);
  await gate.entered();
  // Other calls need no resource.
  assertEquals(await pool.run(() => "done"), "done");
  gate.open();
  assertEquals(await last, 4);
});
