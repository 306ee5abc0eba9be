import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { Pool } from "../../mod.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { until } from "../helpers/processes.ts";
import {
  double,
  ignoreAbort,
  loop,
  obeyAbort,
  pid,
  STAGES,
  turn,
} from "../programs/cancel_tasks.ts";

/** Returns the reason of a rejected promise. */
async function reasonOf(promise: PromiseLike<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome!.status === "rejected") return outcome!.reason;
  throw new Error("It wasn't rejected");
}

/** A signal that counts its listeners. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const counts = { now: 0, most: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = function (...args: unknown[]) {
    counts.most = Math.max(counts.most, ++counts.now);
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = function (...args: unknown[]) {
    counts.now--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return { controller, signal, counts };
}

for (const { name, options, costsWorker, submit } of STAGES) {
  const worker = costsWorker ? "replaces the worker" : "keeps the worker";

  Deno.test(`Future.cancel() ${worker} when the call ${name}`, async () => {
    await using gate = new Gate();
    await using pool = new Pool({ workers: 1, ...options });
    const before = await pool.run(pid);
    const { future } = await submit(pool, pool, gate);
    const wasRunning = future.running();
    assertEquals(wasRunning, name !== "is queued");
    assertFalse(future.done() || future.cancelled());
    assert(future.cancel());
    assert(future.done() && future.cancelled() && !future.running());
    assert(future.cancel());
    const reason = await reasonOf(future);
    assertInstanceOf(reason, DOMException);
    assertEquals(reason.name, "AbortError");
    gate.open();
    const after = await pool.run(pid);
    assertEquals(after !== before, costsWorker);
    assertEquals(pool.stats().hosts[0]!.lost, costsWorker ? 1 : 0);
  });

  Deno.test(`TaskRunner.with() with a signal ${worker} when the call ${name}`, async () => {
    await using gate = new Gate();
    await using pool = new Pool({ workers: 1, ...options });
    const before = await pool.run(pid);
    const { controller, signal, counts } = countedSignal();
    const { future } = await submit(pool, pool.with({ signal }), gate);
    const reason = { any: "value" };
    controller.abort(reason);
    assert(future.done() && !future.running());
    assertFalse(future.cancelled() || future.cancel());
    assertStrictEquals(await reasonOf(future), reason);
    assertEquals(counts, { now: 0, most: 1 });
    gate.open();
    const after = await pool.run(pid);
    assertEquals(after !== before, costsWorker);
  });
}

Deno.test("Future.cancel() does nothing when the task is done", async () => {
  await using pool = new Pool(1);
  const future = pool.submit(double, 2);
  assertEquals(await future, 4);
  assert(future.done());
  assertFalse(future.cancel() || future.cancelled() || future.running());
  const failed = pool.submit(() => {
    throw new Error("on purpose");
  });
  await assertRejects(() => failed, Error, "on purpose");
  assertFalse(failed.cancel());
});

for (const reason of [null, 0, "text", new Error("mine"), { a: 1 }]) {
  Deno.test(`TaskRunner.with() with a signal that is aborted rejects with its reason ${Deno.inspect(reason).split("\n")[0]}`, async () => {
    await using pool = new Pool({ workers: 1, lazy: true });
    const runner = pool.with({ signal: AbortSignal.abort(reason) });
    const stack = reason instanceof Error ? reason.stack : undefined;
    const future = runner.submit(double, 1);
    assert(future.done());
    for (
      const promise of [
        future,
        runner.run(double, 1),
        runner.runOnAll(double, 1),
        runner.map(double, [1]).toArray(),
        runner.map(double, [1]).next(),
        pool.map(double, [1], { signal: AbortSignal.abort(reason) }).next(),
      ]
    ) {
      assertStrictEquals(await reasonOf(promise), reason);
    }
    if (reason instanceof Error) assertStrictEquals(reason.stack, stack);
    assertFalse(pool.isReady);
  });
}

Deno.test("TaskRunner.with() with a signal ignores an abort after the result", async () => {
  await using pool = new Pool(1);
  const { controller, signal, counts } = countedSignal();
  const runner = pool.with({ signal, timeout: 60_000 });
  assertEquals(await runner.run(double, 2), 4);
  assertEquals(await runner.runOnAll(double, 2), [4]);
  assertEquals(await runner.map(double, [1, 2]).toArray(), [2, 4]);
  await assertRejects(() => runner.run(() => Promise.reject(new Error("x"))));
  await assertRejects(() => runner.run((): unknown => () => 1));
  await assertRejects(() => runner.run((_: unknown) => 1, () => 1));
  await turn();
  assertEquals(counts.now, 0);
  controller.abort();
  assertEquals(await pool.run(double, 3), 6);
});

Deno.test("TaskRunner.with() adds to the runner's options", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 30_000 });
  const controller = new AbortController();
  const first = pool.with({ signal: controller.signal, retries: 1 });
  const both = first.with({ timeout: 60_000 });
  const future = both.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  controller.abort("reason");
  assertEquals(await reasonOf(future), "reason");
  gate.open();
  const other = new AbortController();
  const replaced = both.with({ signal: other.signal });
  assertEquals(await replaced.run(double, 1), 2);
});

Deno.test("TaskRunner.with() with a signal rejects each of 10,000 queued calls once", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 0, cancelGrace: 30_000 });
  const held = pool.run(passGate<number>, gate.port, 1);
  await gate.entered();
  const { controller, signal, counts } = countedSignal();
  const runner = pool.with({ signal, timeout: 600_000 });
  const calls = Array.from({ length: 10_000 }, (_, x) => runner.run(double, x));
  const innocents = [1, 2, 3].map((x) => pool.run(double, x));
  await turn();
  assertEquals(pool.stats().queued, 10_003);
  const reason = new Error("enough");
  const { stack } = reason;
  controller.abort(reason);
  assertEquals(pool.stats().queued, 3);
  assertEquals(counts, { now: 0, most: 1 });
  for (const outcome of await Promise.allSettled(calls)) {
    assert(outcome.status === "rejected" && outcome.reason === reason);
  }
  assertStrictEquals(reason.stack, stack);
  gate.open();
  assertEquals(await held, 1);
  assertEquals(await Promise.all(innocents), [2, 4, 6]);
  assertEquals(pool.stats().done, 4);
});

Deno.test("Future.cancel() ends 5,000 calls that wait at a worker", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 9_999 });
  const held = pool.run(passGate<number>, gate.port, 1);
  await gate.entered();
  const futures = Array.from(
    { length: 10_000 },
    (_, x) => pool.submit(double, x),
  );
  await turn();
  for (const [x, future] of futures.entries()) {
    if (x % 2 === 0) assert(future.cancel());
  }
  gate.open();
  assertEquals(await held, 1);
  const outcomes = await Promise.allSettled(futures);
  for (const [x, outcome] of outcomes.entries()) {
    const expected = x % 2 === 0 || x === 9_999 ? "rejected" : "fulfilled";
    if (x < 9_999) assertEquals(outcome.status, expected);
  }
});

Deno.test("Future.cancel() aborts the signal of an async task and drops its result", async () => {
  await using begin = new Gate();
  await using end = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 30_000 });
  const before = await pool.run(pid);
  const future = pool.submit(obeyAbort, begin.port, end.port);
  await begin.entered();
  future.cancel();
  await end.entered();
  assertEquals(await pool.run(pid), before);
  assertEquals((await reasonOf(future) as Error).name, "AbortError");
});

Deno.test("Future.cancel() of a task that blocks a worker moves the waiting calls, which run once", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 99, cancelGrace: 50 });
  const before = await pool.run(pid);
  const blocked = pool.submit(loop, gate.port);
  await gate.entered();
  const folder = await Deno.makeTempDir();
  try {
    const write = async (folder: string, x: number) => {
      await Deno.writeTextFile(`${folder}/${x}`, "x", { append: true });
      return x;
    };
    const xs = Array.from({ length: 50 }, (_, x) => x);
    const calls = xs.map((x) => pool.submit(write, folder, x));
    await turn();
    assert(calls.every((call) => call.running()));
    blocked.cancel();
    assertEquals(await Promise.all(calls), xs);
    for (const x of xs) {
      assertEquals(await Deno.readTextFile(`${folder}/${x}`), "x");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assert(await pool.run(pid) !== before);
});

Deno.test("Future.cancel() of an endless task lets concurrent tasks finish", async () => {
  const cancelGrace = 100_001;
  using time = flowingTime();
  await using gate = new Gate();
  await using other = new Gate();
  await using pool = new Pool({
    workers: 1,
    concurrency: 2,
    prefetch: 2,
    cancelGrace,
  });
  const before = await pool.run(pid);
  const endless = pool.submit(ignoreAbort, gate.port);
  await gate.entered();
  const innocent = pool.run(
    async (port: number) => {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.read(new Uint8Array(1));
      return Deno.pid;
    },
    other.port,
  );
  await other.entered();
  endless.cancel();
  time.tick(cancelGrace);
  // The grace period is over after two more timers.
  await time.tickAsync();
  await time.tickAsync();
  const later = pool.submit(pid);
  await turn();
  assertFalse(later.running());
  other.open();
  assertEquals(await innocent, before);
  assert(await later !== before);
});

Deno.test("MapResults.return() ends a chunk that runs again item by item", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 50, retries: 1 });
  const map = pool.map(loop, [gate.port, gate.port], { chunkSize: 2 });
  const first = await pool.run(pid);
  const result = map.next();
  await gate.entered();
  Deno.kill(first, "SIGKILL");
  await gate.entered();
  await map.return!();
  assertEquals(await result, { done: true, value: undefined });
  assertEquals(await pool.run(double, 1), 2);
  assertEquals(pool.stats().hosts[0]!.lost, 2);
});

Deno.test("Pool.shutdown() with cancelFutures ends a chunk that runs again item by item", async () => {
  await using gate = new Gate();
  const pool = new Pool({ workers: 1, retries: 1 });
  const [first] = await pool.runOnAll(pid);
  const map = pool.map(passGate<number>, [gate.port, gate.port], [1, 2], {
    chunkSize: 2,
  });
  const results = map.toArray().catch((error) => error);
  await gate.entered();
  Deno.kill(first!, "SIGKILL");
  await gate.entered();
  const down = pool.shutdown({ cancelFutures: true });
  gate.open();
  await down;
  assertEquals((await results).name, "AbortError");
  assertEquals(pool.stats().done, 2);
});

Deno.test("Future.cancel() of a waiting call doesn't affect the running one", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 9 });
  const before = await pool.run(pid);
  const first = pool.submit(passGate<number>, gate.port, 1);
  const behind = pool.submit(double, 2);
  await gate.entered();
  assert(behind.cancel());
  await assertRejects(async () => await behind, DOMException, "cancelled");
  // The cancelled call isn't mistaken for the one that blocks the worker.
  await until(() => pool.stats().running === 1);
  gate.open();
  assertEquals([await first, await pool.run(pid)], [1, before]);
});
