import {
  assert,
  assertEquals,
  assertFalse,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { type MapResults, Pool } from "../../mod.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import {
  double,
  ignoreAbort,
  loop,
  obeyAbort,
  pid,
  STAGES,
} from "../programs/cancel_tasks.ts";

/** The timeout of calls that really time out. */
const TIMEOUT = 200;

/** The timeout of calls that the test ends by letting time pass. */
const HELD = 10_000_001;

const XS = [1, 2, 3, 4, 5];

/** Fails unless a promise is rejected with a timeout. */
async function assertTimesOut(
  promise: PromiseLike<unknown>,
): Promise<DOMException> {
  const error = await assertRejects(async () => await promise, DOMException);
  assertEquals(error.name, "TimeoutError");
  return error;
}

function* naturals(): Generator<number> {
  for (let n = 0;; n++) yield n;
}

for (const { name, options, costsWorker, submit } of STAGES) {
  Deno.test(`TaskRunner.with() with a timeout rejects a call that ${name}`, async () => {
    using time = flowingTime();
    await using gate = new Gate();
    await using pool = new Pool({ workers: 1, ...options });
    const before = await pool.run(pid);
    const runner = pool.with({ timeout: HELD });
    const { future } = await submit(pool, runner, gate);
    time.tick(HELD);
    const error = await assertTimesOut(future);
    assertStringIncludes(error.message, `timeout of ${HELD} ms`);
    assert(future.done());
    assertFalse(future.running() || future.cancelled() || future.cancel());
    gate.open();
    assertEquals(await pool.run(pid) !== before, costsWorker);
  });
}

Deno.test("TaskRunner.with() with a timeout shows the caller in the stack", async () => {
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  const runner = pool.with({ timeout: TIMEOUT });
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
  const { stack } = await assertTimesOut(myCaller());
  assertStringIncludes(stack!, "at myCaller");
  const { stack: mapStack } = await assertTimesOut(myMapper());
  assertStringIncludes(mapStack!, "at myMapper");
  const { stack: allStack } = await assertTimesOut(myRounder());
  assertEquals(allStack!.split("at myRounder").length, 2, allStack);
  // When many calls are made at once, only some stacks are captured.
  const many = Array.from({ length: 20 }, () => assertTimesOut(myCaller()));
  for (const { stack } of await Promise.all(many)) {
    assertStringIncludes(stack!, "myCaller");
  }
});

Deno.test("TaskRunner.with() with a timeout and a signal obeys the one that comes first", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  const controller = new AbortController();
  const { signal } = controller;
  const slow = pool.with({ signal, timeout: 60_000 });
  const aborted = slow.run(ignoreAbort, gate.port).catch((reason) => reason);
  await gate.entered();
  controller.abort("first");
  assertEquals(await aborted, "first");
  const never = new AbortController().signal;
  const fast = pool.with({ timeout: 1 }).with({ signal: never });
  await assertTimesOut(fast.run(ignoreAbort, gate.port));
});

Deno.test("TaskRunner.with() with a timeout gives each call its own error", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 30_000 });
  const held = pool.run(passGate<number>, gate.port, 1);
  await gate.entered();
  const runner = pool.with({ timeout: 1 });
  const calls = Array.from({ length: 100 }, () => runner.run(double, 1));
  const errors = await Promise.all(calls.map(assertTimesOut));
  assertNotStrictEquals(errors[0], errors[1]);
  gate.open();
  assertEquals(await held, 1);
  assertEquals(await pool.run(double, 2), 4);
  assertEquals(pool.stats().done, 2);
});

Deno.test("TaskRunner.with() with a timeout aborts the signal of the task", async () => {
  using time = flowingTime();
  await using begin = new Gate();
  await using end = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 30_000 });
  const before = await pool.run(pid);
  const runner = pool.with({ timeout: HELD });
  const call = runner.submit(obeyAbort, begin.port, end.port);
  await begin.entered();
  time.tick(HELD);
  await end.entered();
  await assertTimesOut(call);
  assertEquals(await pool.run(pid), before);
});

for (const transport of ["unix", "tcp"] as const) {
  const options = { workers: 1, transport, prefetch: 7, cancelGrace: 20 };

  Deno.test(`TaskRunner.with() with a timeout loses no worker for good (${transport})`, async () => {
    using time = flowingTime();
    await using gate = new Gate();
    await using pool = new Pool({ ...options, maxRestarts: 1 });
    const runner = pool.with({ timeout: HELD });
    for (let count = 0; count < 4; count++) {
      const endless = runner.submit(loop, gate.port);
      // The call fails if no worker is left.
      await Promise.race([endless, gate.entered()]);
      time.tick(HELD);
      await assertTimesOut(endless);
    }
    assertEquals(await pool.run(double, 4), 8);
    const [{ lost, error } = {}] = pool.stats().hosts;
    assertEquals([lost, error], [4, undefined]);
  });

  Deno.test(`TaskRunner.with() with a timeout harms no waiting call (${transport})`, async () => {
    using time = flowingTime();
    await using gate = new Gate();
    await using pool = new Pool(options);
    const endless = pool.with({ timeout: HELD }).submit(loop, gate.port);
    const behind = XS.map((x) => pool.run(double, x));
    await gate.entered();
    time.tick(HELD);
    await assertTimesOut(endless);
    assertEquals(await Promise.all(behind), XS.map(double));
  });
}

for (const kind of ["of the runner", "of the map"]) {
  Deno.test(`TaskRunner.map() with a timeout ${kind} ends running tasks`, async () => {
    using time = flowingTime();
    await using gate = new Gate();
    await using pool = new Pool({ workers: 1, cancelGrace: 50 });
    const before = await pool.run(pid);
    const timeout = HELD;
    const map = kind === "of the map"
      ? pool.with({ timeout: 60_000 }).map(loop, [gate.port, gate.port], {
        timeout,
      })
      : pool.with({ timeout }).map(loop, [gate.port, gate.port]);
    const results = map.toArray();
    results.catch(() => {});
    await gate.entered();
    time.tick(HELD);
    const error = await assertTimesOut(results);
    assertStringIncludes(error.message, "The map took longer");
    assertEquals(await map.next(), { done: true, value: undefined });
    assert(await pool.run(pid) !== before);
  });
}

Deno.test("TaskRunner.map() obeys its own signal and the runner's signal", async () => {
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  for (const own of [true, false]) {
    const controllers = [new AbortController(), new AbortController()] as const;
    const [of, map] = controllers.map(({ signal }) => signal);
    const results = pool.with({ signal: of! })
      .map(double, naturals(), { signal: map! });
    assertEquals((await results.next()).value, 0);
    const reason = { own };
    controllers[own ? 1 : 0].abort(reason);
    const thrown = await results.toArray().catch((thrown) => thrown);
    assertStrictEquals(thrown, reason);
  }
  assertEquals(await pool.run(double, 1), 2);
});

const exits: Record<string, (map: AsyncIterable<unknown>) => Promise<void>> = {
  break: async (map) => {
    for await (const result of map) if (result === 1) break;
  },
  throw: async (map) => {
    await assertRejects(async () => {
      for await (const _ of map) throw new Error("on purpose");
    });
  },
  "return()": async (map) => {
    const iterator = map[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return!();
  },
  "await using": async (map) => {
    await using results = map as unknown as MapResults<unknown>;
    await results.next();
  },
};

for (const [name, leave] of Object.entries(exits)) {
  Deno.test(`TaskRunner.map() exited by ${name} aborts the signals of running tasks`, async () => {
    await using gate = new Gate();
    await using pool = new Pool({
      workers: 1,
      concurrency: 2,
      cancelGrace: 30_000,
    });
    const before = await pool.run(pid);
    const task = async function (this: unknown, x: number, port: number) {
      if (x === 1) return x;
      const { signal } = this as { signal: AbortSignal };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    };
    const { port } = gate;
    const items: [number, number][] = [[1, port], [2, port], [3, port]];
    await leave(pool.map(task, items, { spread: true, chunkSize: 1 }));
    await gate.entered();
    assertEquals(await pool.run(pid), before);
  });

  Deno.test(`TaskRunner.map() exited by ${name} kills blocked workers`, async () => {
    await using pool = new Pool({ workers: 2, prefetch: 0, cancelGrace: 50 });
    const task = (x: number) => {
      while (x !== 1);
      return x;
    };
    await leave(pool.map(task, naturals().drop(1), { chunkSize: 1 }));
    const calls = Array.from({ length: 100 }, (_, x) => pool.run(double, x));
    const doubled = await Promise.all(calls);
    assertEquals(doubled, doubled.map((_, x) => x * 2));
  });
}

for (const begun of [true, false]) {
  const when = begun ? "that has begun" : "that waits";
  Deno.test(`TaskRunner.runOnAll() ${when} obeys a timeout and a signal`, async () => {
    using time = flowingTime();
    await using gate = new Gate();
    await using pool = new Pool({ workers: 2, cancelGrace: 50 });
    await pool.ready;
    const held = begun ? undefined : pool.run(passGate<number>, gate.port, 1);
    if (!begun) await gate.entered();
    const earlier = pool.runOnAll(double, 1);
    const controller = new AbortController();
    const { signal } = controller;
    const limited = pool.with({ signal }).runOnAll(ignoreAbort, gate.port);
    const outcome = limited.catch((reason) => reason);
    const timedOut = assertTimesOut(
      pool.with({ timeout: HELD }).runOnAll(ignoreAbort, gate.port),
    );
    const later = [1, 2, 3].map((x) => pool.run(double, x));
    if (begun) {
      await gate.entered();
      await gate.entered();
    }
    controller.abort("reason");
    assertEquals(await outcome, "reason");
    time.tick(HELD);
    await timedOut;
    gate.open();
    assertEquals(await earlier, [2, 2]);
    assertEquals(await Promise.all(later), [2, 4, 6]);
    for (const result of await pool.runOnAll(double, 4)) {
      assertEquals(result, 8);
    }
    assertEquals(await held, begun ? undefined : 1);
    assertEquals(pool.stats().queued, 0);
  });
}

Deno.test("TaskRunner.runOnAll() leaves no timer if it returns in time", async () => {
  await using pool = new Pool(2);
  const runner = pool.with({ timeout: 600_000 });
  assertEquals(await runner.runOnAll(double, 1), [2, 2]);
  const failing = runner.runOnAll(() => Promise.reject(new Error("no")));
  await assertRejects(() => failing, Error, "no");
});

Deno.test("TaskRunner.with() with a timeout leaves no timer for calls to a pool that was shut down", async () => {
  const pool = new Pool(1);
  await pool.shutdown();
  const runner = pool.with({ timeout: 600_000 });
  for (
    const promise of [
      runner.run(double, 1),
      runner.submit(double, 1),
      runner.runOnAll(double, 1),
      runner.map(double, [1]).toArray(),
    ]
  ) {
    await assertRejects(async () => await promise, Error, "shut down");
  }
});
