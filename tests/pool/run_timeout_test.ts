import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  bind,
  Pool,
  type RetryOptions,
  type Task,
  type TaskRunner,
  type TaskThis,
  WorkerLostError,
} from "../../mod.ts";
import type { FakeTime } from "../helpers/fake_time.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { realDelay } from "../helpers/real_timers.ts";
import {
  double,
  ignoreAbort,
  loop,
  obeyAbort,
  pid,
} from "../programs/cancel_tasks.ts";
import { TestFolder } from "../programs/loss_fixture.ts";

/** A time limit that passes only when a test lets it. */
const HELD = 200_003;

const XS = [1, 2, 3, 4, 5];

/** Fails unless a promise is rejected because a task ran too long. */
async function assertRanTooLong(promise: PromiseLike<unknown>): Promise<Error> {
  const error = await assertRejects(async () => await promise, DOMException);
  assertEquals(error.name, "TimeoutError");
  assertStringIncludes(error.message, `'runTimeout' of ${HELD} ms`);
  return error;
}

/** Lets time pass until a call has ended: the pool may not know yet that it runs. */
async function passTime(
  time: FakeTime,
  promise: PromiseLike<unknown>,
): Promise<void> {
  let hasEnded = false;
  const end = () => hasEnded = true;
  promise.then(end, end);
  while (!hasEnded) {
    time.tick(HELD);
    await realDelay(1);
  }
}

const KINDS: readonly [
  name: string,
  task: (port: number) => Promise<unknown>,
  costsWorker: boolean,
][] = [
  ["awaits", passGate as (port: number) => Promise<unknown>, false],
  ["never ends", ignoreAbort, true],
  ["blocks its worker", loop, true],
];

for (const [name, task, costsWorker] of KINDS) {
  Deno.test(`TaskRunner.with() with a run timeout rejects a call whose task ${name}`, async () => {
    using time = flowingTime();
    await using gate = new Gate();
    await using pool = new Pool({
      workers: 1,
      cancelGrace: costsWorker ? 50 : 30_000,
    });
    const before = await pool.run(pid);
    const future = pool.with({ runTimeout: HELD }).submit(task, gate.port);
    await gate.entered();
    await passTime(time, future);
    await assertRanTooLong(future);
    assert(future.done());
    gate.open();
    assertEquals(await pool.run(pid) !== before, costsWorker);
  });
}

Deno.test("TaskRunner.with() with a run timeout aborts the signal of the task", async () => {
  using time = flowingTime();
  await using begin = new Gate();
  await using end = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 30_000 });
  const before = await pool.run(pid);
  const runner = pool.with({ runTimeout: HELD });
  const call = runner.submit(obeyAbort, begin.port, end.port);
  await begin.entered();
  await passTime(time, call);
  await end.entered();
  await assertRanTooLong(call);
  assertEquals(await pool.run(pid), before);
});

for (const prefetch of [0, 8]) {
  Deno.test(`TaskRunner.with() with a run timeout doesn't count the time before a task begins (prefetch: ${prefetch})`, async () => {
    using time = flowingTime();
    await using gate = new Gate();
    await using pool = new Pool({ workers: 1, prefetch });
    const held = pool.submit(passGate<number>, gate.port, 0);
    await gate.entered();
    const runner = pool.with({ runTimeout: HELD });
    const behind = XS.map((x) => runner.run(double, x));
    for (let turn = 0; turn < 10; turn++) {
      await realDelay(0);
      time.tick(HELD);
    }
    gate.open();
    assertEquals(await held, 0);
    assertEquals(await Promise.all(behind), XS.map(double));
  });
}

for (const transport of ["unix", "tcp"] as const) {
  Deno.test(`TaskRunner.with() with a run timeout harms no waiting call (${transport})`, async () => {
    using time = flowingTime();
    await using gate = new Gate();
    await using pool = new Pool({
      workers: 1,
      transport,
      prefetch: 7,
      cancelGrace: 20,
    });
    const runner = pool.with({ runTimeout: HELD });
    const endless = runner.submit(loop, gate.port);
    const behind = XS.map((x) => runner.run(double, x));
    await gate.entered();
    await passTime(time, endless);
    await assertRanTooLong(endless);
    assertEquals(await Promise.all(behind), XS.map(double));
  });
}

Deno.test("TaskRunner.with() with a run timeout times each of several tasks that run at once", async () => {
  using time = flowingTime();
  await using gate = new Gate();
  await using pool = new Pool({
    workers: 1,
    concurrency: 3,
    cancelGrace: 30_000,
  });
  const limited = pool.with({ runTimeout: HELD });
  const free = pool.submit(passGate<number>, gate.port, 0);
  const timed = [1, 2].map((x) =>
    limited.submit(passGate<number>, gate.port, x)
  );
  for (let count = 0; count < 3; count++) await gate.entered();
  for (const future of timed) await passTime(time, future);
  for (const future of timed) await assertRanTooLong(future);
  gate.open();
  assertEquals(await free, 0);
});

Deno.test("TaskRunner.with() with a run timeout shows the caller in the stack", async () => {
  using time = flowingTime();
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  await pool.ready;
  const runner = pool.with({ runTimeout: HELD });
  const never = () => new Promise<never>(() => {});
  async function myCaller() {
    await runner.run(never);
  }
  async function myMapper() {
    await runner.map(never, [1]).toArray();
  }
  async function myRounder() {
    await runner.runOnAll(never);
  }
  for (const caller of [myCaller, myMapper, myRounder]) {
    await pool.run(pid);
    const outcome = caller();
    await passTime(time, outcome);
    const { stack } = await assertRanTooLong(outcome);
    assertStringIncludes(stack!, `at ${caller.name}`);
  }
});

Deno.test("TaskRunner.map() with a run timeout ends at the item that takes too long", async () => {
  using time = flowingTime();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  const task = async (x: number, port: number) => {
    if (x < 2) return x;
    await Deno.connect({ hostname: "127.0.0.1", port });
    return await new Promise<never>(() => {});
  };
  const items = XS.map((x): [number, number] => [x, gate.port]);
  const map = pool.with({ runTimeout: HELD }).map(task, items, {
    spread: true,
  });
  const values: number[] = [];
  const reading = (async () => {
    for await (const value of map) values.push(value);
  })();
  await gate.entered();
  await passTime(time, reading);
  await assertRanTooLong(reading);
  assertEquals([values, map.failedIndex], [[1], 1]);
});

Deno.test("MapResults.settled() with a run timeout rejects only the item that takes too long", async () => {
  using time = flowingTime();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  const task = async (x: number, port: number) => {
    if (x !== 3) return x;
    await Deno.connect({ hostname: "127.0.0.1", port });
    for (;;);
  };
  const items = XS.map((x): [number, number] => [x, gate.port]);
  const map = pool.with({ runTimeout: HELD }).map(task, items, {
    spread: true,
  });
  const outcomes = map.settled();
  for (const x of [1, 2]) {
    const { value } = await outcomes.next();
    assertEquals(value, { index: x - 1, status: "fulfilled", value: x });
  }
  const third = outcomes.next();
  await gate.entered();
  await passTime(time, third);
  const { value } = await third;
  assert(value?.status === "rejected");
  await assertRanTooLong(Promise.reject(value.reason));
  assertEquals(await outcomes.toArray(), [
    { index: 3, status: "fulfilled", value: 4 },
    { index: 4, status: "fulfilled", value: 5 },
  ]);
});

Deno.test("TaskRunner.stream() with a run timeout fails after the time", async () => {
  using time = flowingTime();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  const values = pool.with({ runTimeout: HELD }).stream(
    async function* (port: number) {
      yield 1;
      await Deno.connect({ hostname: "127.0.0.1", port });
      yield 2;
      await new Promise(() => {});
    },
    gate.port,
  ).getReader();
  assertEquals((await values.read()).value, 1);
  await gate.entered();
  await passTime(time, values.closed);
  await assertRanTooLong(values.closed);
});

Deno.test("TaskRunner.runOnAll() with a run timeout fails if a task takes too long", async () => {
  using time = flowingTime();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, cancelGrace: 50 });
  const all = pool.with({ runTimeout: HELD }).runOnAll(ignoreAbort, gate.port);
  await gate.entered();
  await gate.entered();
  await passTime(time, all);
  await assertRanTooLong(all);
  assertEquals(await pool.run(double, 2), 4);
});

Deno.test("TaskRunner.transform() with a run timeout fails at the item that takes too long", async () => {
  using time = flowingTime();
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  const readable = ReadableStream.from([gate.port]).pipeThrough(
    pool.with({ runTimeout: HELD }).transform(ignoreAbort),
  );
  const reading = readable.getReader().read();
  await gate.entered();
  await passTime(time, reading);
  await assertRanTooLong(reading);
});

Deno.test("TaskRunner.map() with a run timeout refuses chunks of several items", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const runner = pool.with({ runTimeout: 1_000 });
  const map = () => runner.map(double, XS, { chunkSize: 2 });
  assertThrows(map, RangeError, "'chunkSize' must be 1 or \"auto\"");
  assertEquals(
    await runner.map(double, XS, { chunkSize: 1 }).toArray(),
    XS.map(double),
  );
});

Deno.test("TaskRunner.with() with a run timeout leaves no timer", async () => {
  await using pool = new Pool(2);
  const runner = pool.with({ runTimeout: 600_000 });
  assertEquals(await runner.run(double, 1), 2);
  assertEquals(await runner.runOnAll(double, 1), [2, 2]);
  assertEquals(await runner.map(double, XS).toArray(), XS.map(double));
  await assertRejects(() => runner.run(() => Deno.exit(3)), WorkerLostError);
});

/** How the first run of {@linkcode holdFirst} goes on. */
type Hold = "obeys" | "ignores" | "blocks";

/** Notes that it begins; the first time, enters the gate and goes on like this. */
async function holdFirst(
  this: TaskThis,
  hold: Hold,
  port: number,
  notes: string,
  x: number,
): Promise<number> {
  const isFirst = !Deno.statSync(notes).size;
  Deno.writeTextFileSync(notes, `${x}\n`, { append: true });
  if (!isFirst) return x;
  const { signal } = this;
  const aborted = new Promise((resolve) =>
    signal.addEventListener("abort", resolve)
  );
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  if (hold === "obeys") await aborted;
  if (hold === "ignores") await connection.read(new Uint8Array(1));
  while (hold === "blocks");
  return -1;
}

/** Three attempts without pauses, and a promise of the first failure. */
function threeAttempts(): {
  retry: RetryOptions;
  failed: Promise<unknown>;
} {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const when = (error: unknown) => {
    resolve(error);
    return true;
  };
  const retry = { attempts: 3, minTimeout: 1, jitter: 0, when };
  return { retry, failed: promise };
}

type Begin = (
  runner: TaskRunner,
  task: Task<[number], number>,
) => Promise<unknown>;

const ITEM = { index: 0, status: "fulfilled", value: 7 };

/** Ways to run a task that returns 7, and what they return. */
const WAYS: readonly [kind: string, begin: Begin, expected: unknown][] = [
  ["run", (runner, task) => runner.run(task, 7), 7],
  ["map", (runner, task) => runner.map(task, [7]).toArray(), [7]],
  [
    "settled map",
    (runner, task) => runner.map(task, [7]).settled().toArray(),
    [ITEM],
  ],
  [
    "speculating map",
    (runner, task) => runner.with({ speculate: true }).map(task, [7]).toArray(),
    [7],
  ],
];

for (const [kind, begin, expected] of WAYS) {
  for (const hold of ["obeys", "blocks"] as const) {
    Deno.test(`TaskRunner.with() with a run timeout and attempts runs a task again that ${hold} (${kind})`, async () => {
      using time = flowingTime();
      await using gate = new Gate();
      await using folder = new TestFolder();
      const notes = folder.file("notes");
      await Deno.writeTextFile(notes, "");
      await using pool = new Pool({
        workers: 1,
        cancelGrace: hold === "blocks" ? 50 : 2 ** 30,
      });
      const before = await pool.run(pid);
      const { retry, failed } = threeAttempts();
      const runner = pool.with({ runTimeout: HELD, retry });
      const task = bind(holdFirst, hold, gate.port, notes);
      const outcome = begin(runner, task);
      await gate.entered();
      await passTime(time, failed);
      await assertRanTooLong(Promise.reject(await failed));
      assertEquals<unknown>(await outcome, expected);
      assertEquals(folder.lines("notes"), ["7", "7"]);
      assertEquals(await pool.run(pid) !== before, hold === "blocks");
      assertEquals(pool.stats().running, 0);
    });
  }
}

Deno.test("TaskRunner.with() with a run timeout fails after the last attempt", async () => {
  await using pool = new Pool({ workers: 2, cancelGrace: 30_000 });
  const runner = pool.with({
    runTimeout: 50,
    retry: { attempts: 2, minTimeout: 1 },
  });
  const obey = async function (this: TaskThis) {
    await new Promise((resolve) =>
      this.signal.addEventListener("abort", resolve)
    );
  };
  const twice = await assertRejects(() => runner.run(obey), DOMException);
  assertEquals((twice as { attempts?: number }).attempts, 2);
  const [item] = await runner.map(obey, [1]).settled().toArray();
  assert(item?.status === "rejected");
  assertEquals([item.index, item.attempts], [0, 2]);
  const never = runner.with({ retry: { when: () => false } });
  const once = await assertRejects(() => never.run(obey), DOMException);
  assertEquals((once as { attempts?: number }).attempts, 1);
});

Deno.test("TaskRunner.with() with a run timeout keeps the resources of a run until it has ended", async () => {
  using time = flowingTime();
  await using gate = new Gate();
  await using folder = new TestFolder();
  const notes = folder.file("notes");
  await Deno.writeTextFile(notes, "");
  await using pool = new Pool({
    workers: 2,
    cancelGrace: 2 ** 30,
    resources: { gpu: 1 },
  });
  await pool.ready;
  const { retry, failed } = threeAttempts();
  const resources = { gpu: 1 };
  const runner = pool.with({ runTimeout: HELD, resources, retry });
  const task = bind(holdFirst, "ignores", gate.port, notes);
  const outcome = runner.run(task, 7);
  await gate.entered();
  await passTime(time, failed);
  while (pool.stats().queued === 0) await realDelay(1);
  assertEquals(await pool.run(double, 2), 4);
  assertEquals(folder.lines("notes"), ["7"]);
  gate.open();
  assertEquals(await outcome, 7);
  assertEquals(folder.lines("notes"), ["7", "7"]);
});
