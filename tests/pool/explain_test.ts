import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { type Future, Pool } from "../../mod.ts";
import { explained } from "../helpers/explained.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { HeldTasks } from "../helpers/held_tasks.ts";

const square = (x: number) => x * x;

Deno.test("Pool.explain() names the tasks of busy workers, and how long they have run", async () => {
  await using gate = new Gate();
  await using pool = new Pool(2);
  const held = [1, 2].map((x) => pool.submit(passGate<number>, gate.port, x));
  for (const _ of held) await gate.entered();
  const [first, second] = [3, 4].map((x) => pool.submit(square, x));
  await explained(
    pool,
    /^The task 'passGate' has begun: local worker [12] has run 'passGate' for \d+ m?s\.$/,
    held[0],
  );
  await explained(
    pool,
    /^The task 'square' waits for a worker: all 2 workers are busy \(local worker [12] has run 'passGate' for \d+ m?s, local worker [12] has run 'passGate' for \d+ m?s\)\.$/,
    first,
  );
  await explained(
    pool,
    /^The task 'square' waits for a worker, behind 1 other: all 2/,
    second,
  );
  assertMatch(pool.explain(), /^2 tasks wait for a worker: all 2 workers are/);
  gate.open();
  await Promise.all([...held, first, second]);
  assertEquals(pool.explain(first), "The task 'square' has ended.");
});

Deno.test("Pool.explain() says at which worker a call waits, and behind what", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 5 });
  const held = pool.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const waiting = [2, 3, 4].map((x) => pool.submit(square, x));
  await explained(
    pool,
    /^The task 'square' waits at local worker 1, behind 3 others: local worker 1 has run 'passGate' for \d+ m?s\.$/,
    waiting[2],
  );
  assertMatch(pool.explain(), /^3 tasks wait for a worker: the only worker is/);
  gate.open();
  await Promise.all([held, ...waiting]);
});

Deno.test("Pool.explain() counts what a worker runs at once", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, concurrency: 2 });
  const held = [1, 2].map((x) => pool.submit(passGate<number>, gate.port, x));
  for (const _ of held) await gate.entered();
  await explained(
    pool,
    /^No task waits: local worker 1 runs 'passGate' and 1 other, and has answered nothing for \d+ m?s\.$/,
  );
  const waiting = pool.submit(square, 3);
  await explained(pool, /the only worker is busy/, waiting);
  gate.open();
  await Promise.all([...held, waiting]);
});

Deno.test("Pool.explain() says that no worker can run a task", async () => {
  await using pool = new Pool({ workers: 1, resources: { gpu: 2 } });
  const runner = pool.with({ resources: { gpu: 3 }, onUnmet: "wait" });
  const waiting = runner.submit(square, 1);
  await pool.ready;
  await explained(
    pool,
    /^The task 'square' waits for a worker: none has what it asks for \(gpu: 3\), and there is local \(gpu: 2\), so it waits until one joins \(onUnmet\)\.$/,
    waiting,
  );
  assertMatch(
    pool.explain(),
    /^1 task for gpu: 3 waits for a worker: none has/,
  );
  waiting.cancel();
});

Deno.test("Pool.explain() says who has the resources that a task waits for", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, resources: { gpu: 2 } });
  const runner = pool.with({ resources: { gpu: 2 } });
  const held = runner.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const waiting = runner.submit(square, 2);
  await explained(
    pool,
    /^The task 'square' waits for a worker: what it takes \(gpu: 2\) isn't free: 'passGate' on local worker [12] has gpu: 2\.$/,
    waiting,
  );
  gate.open();
  await Promise.all([held, waiting]);
});

Deno.test("Pool.explain() says that resources are kept for an earlier task", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, resources: { gpu: 2, ram: 1 } });
  const held = pool.with({ resources: { gpu: 1 } })
    .submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const large = pool.with({ resources: { gpu: 2 } }).submit(square, 2);
  await explained(pool, /isn't free: 'passGate'/, large);
  const small = pool.with({ resources: { gpu: 1, ram: 1 } }).submit(square, 3);
  await explained(
    pool,
    /\(gpu: 1, ram: 1\) isn't free: it is kept for tasks that have waited longer\.$/,
    small,
  );
  gate.open();
  await Promise.all([held, large, small]);
});

Deno.test("Pool.explain() says that runOnAll() comes first", async () => {
  await using gate = new Gate();
  await using pool = new Pool(2);
  const held = pool.submit(passGate<string>, gate.port, "held");
  await gate.entered();
  const all = pool.runOnAll(passGate<string>, gate.port, "all");
  const after = pool.submit(square, 2);
  await explained(
    pool,
    /^The task 'square' waits for a worker: runOnAll\(\) of 'passGate' comes first, which begins once all earlier tasks have ended \(local worker [12] has run 'passGate' for \d+ m?s\)\.$/,
    after,
  );
  await explained(
    pool,
    /^runOnAll\(\) of 'passGate' begins once all earlier tasks have ended \(.*\), and 1 task waits behind it\.$/,
  );
  gate.open();
  await held;
  for (let worker = 0; worker < 2; worker++) await gate.entered();
  await explained(
    pool,
    /runOnAll\(\) of 'passGate' comes first, which runs on all workers \(local worker [12] has run 'passGate'/,
    after,
  );
  gate.open();
  await Promise.all([all, after]);
});

Deno.test("Pool.explain() says that workers start", async () => {
  await using gate = new Gate();
  await using pool = new Pool({
    workers: 2,
    lazy: true,
    initializer: passGate<string>,
    initializerArgs: [gate.port, ""],
  });
  assertEquals(
    pool.explain(),
    "The pool is lazy, and starts its workers with the first task.",
  );
  const first = pool.submit(square, 1);
  await explained(
    pool,
    /^The task 'square' waits for a worker: the pool is starting: (the pool has been connecting to the host local|2 workers have been starting on the host local) for \d+ m?s\.$/,
    first,
  );
  for (let worker = 0; worker < 2; worker++) await gate.entered();
  await explained(
    pool,
    /^The task 'square' waits for a worker: the pool is starting: 2 workers have connected from the host local, and aren't initialized yet\.$/,
    first,
  );
  gate.open();
  await first;
});

Deno.test("Pool.explain() says that a task runs again alone after a loss", async () => {
  await using held = new HeldTasks([1, 2, 3]);
  await using pool = new Pool({ workers: 2, retries: 1, stdio: "null" });
  const risky = pool.submit(held.task, 1);
  await held.held(1);
  const other = pool.submit(held.task, 2);
  await held.held(2);
  Deno.kill(held.pidOf(1), "SIGKILL");
  held.forget(1);
  await held.held(1);
  await explained(
    pool,
    /^The task 'begin' has begun: local worker [12] has run 'begin' for \d+ m?s, alone after a loss\.$/,
    risky,
  );
  const third = pool.submit(held.task, 3);
  await explained(pool, /all 2 workers are busy/, third);
  Deno.kill(held.pidOf(2), "SIGKILL");
  held.forget(2);
  await explained(
    pool,
    /^The task 'begin' (waits for a worker, as the worker was lost and it runs again alone: |has begun: .*, alone after a loss\.$)/,
    other,
  );
  held.release(1);
  await held.held(2, 3);
  held.release(2, 3);
  assertEquals(await Promise.all([risky, other, third]), [1, 2, 3]);
});

Deno.test("Pool.explain() says when a task that threw runs again", async () => {
  await using pool = new Pool(1);
  const retry = { attempts: 3, minTimeout: 60_000, jitter: 0 };
  const fail = () => {
    throw new Error("not yet");
  };
  const future = pool.with({ retry }).submit(fail);
  await explained(
    pool,
    /^The task 'fail' threw, and runs again in \d+ s \(attempt 2 of 3\)\.$/,
    future,
  );
  const all = pool.runOnAll(square, 2);
  const after = pool.submit(square, 3);
  await explained(
    pool,
    /runOnAll\(\) of 'square' comes first, which begins once all earlier tasks have ended: 1 task waits\.$/,
    after,
  );
  await explained(pool, /^1 task threw, and runs again in \d+ s\.$/m);
  future.cancel();
  assertEquals(await all, [4]);
  assertEquals(await after, 9);
});

Deno.test("Pool.explain() says that the worker of a task's key is busy", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, prefetch: 0 });
  await pool.ready;
  const runner = pool.with({ key: "k" });
  const held = runner.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const [first, second] = [2, 3].map((x) => runner.submit(square, x));
  const busy = String
    .raw`\(local worker [12] has run 'passGate' for \d+ m?s\)\.$`;
  await explained(
    pool,
    new RegExp(
      `^The task 'square' waits for a worker: the one of its key is busy ${busy}`,
    ),
    first,
  );
  await explained(pool, /for a worker, behind 1 other: the one of/, second);
  await explained(
    pool,
    new RegExp(
      `^2 tasks wait for a worker: the one of their keys is busy ${busy}`,
    ),
  );
  gate.open();
  await Promise.all([held, first, second]);
});

Deno.test("Pool.explain() counts keyed tasks that wait at their worker", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 5 });
  const runner = pool.with({ key: "k" });
  const held = runner.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const next = runner.submit(square, 2);
  await explained(pool, /^The task 'square' waits at local worker 1/, next);
  assertMatch(pool.explain(), /^1 task waits for a worker: the one of its key/);
  gate.open();
  await Promise.all([held, next]);
});

Deno.test("Pool.explain() says that tasks of a higher priority come first", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 0 });
  const held = pool.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const low = pool.submit(square, 2);
  await explained(pool, /^The task 'square' waits for a worker: the only/, low);
  const high = pool.with({ priority: 1 }).submit(square, 3);
  await explained(pool, /for a worker, behind 1 other: the only/, low);
  await explained(pool, /waits for a worker: the only worker/, high);
  gate.open();
  await Promise.all([held, low, high]);
});

Deno.test("Pool.explain() says that the queue is full", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, prefetch: 0, maxQueue: 1 });
  await pool.ready;
  const held = pool.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const waiting = pool.submit(square, 2);
  await explained(pool, /^The task 'square' waits for a worker: the/, waiting);
  await explained(
    pool,
    /^1 task waits for a worker: .+\.\nAs many tasks wait as may \(maxQueue is 1\), so more are refused\.$/,
  );
  const room = pool.hasRoom();
  await explained(pool, /so more are refused, and 1 caller waits for room\.$/);
  gate.open();
  await Promise.all([held, waiting, room]);
});

Deno.test("Pool.explain() says that a worker takes over after the last task of another", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, maxTasksPerWorker: 1 });
  const held = pool.submit(passGate<number>, gate.port, 1);
  await gate.entered();
  const next = pool.submit(square, 2);
  await explained(
    pool,
    /^The task 'square' waits for a worker: the only worker is busy \(local worker 1 has run 'passGate' for \d+ m?s, and gets no more tasks\); 1 worker is ready on the host local, and takes over when another has ended\.$/,
    next,
  );
  gate.open();
  assertEquals(await Promise.all([held, next]), [1, 4]);
});

Deno.test("Pool.explain() says that a cancelled task hasn't ended yet", async () => {
  await using held = new HeldTasks([1], "sync");
  await using pool = new Pool({ workers: 1, cancelGrace: 60_000 });
  const future = pool.submit(held.task, 1);
  await held.held(1);
  const after = pool.submit(square, 2);
  future.cancel();
  assertEquals(
    pool.explain(future),
    "The task 'begin' was cancelled, and local worker 1 hasn't ended it yet.",
  );
  await explained(
    pool,
    /local worker 1 has run 'begin', which was cancelled, for \d+ m?s/,
    after,
  );
  held.release(1);
  assertEquals(await after, 4);
  assertEquals(pool.explain(future), "The task 'begin' has ended.");
});

Deno.test("Pool.explain() says that a task waits for a stream among its arguments", async () => {
  const { readable, writable } = new TransformStream<number, number>();
  await using pool = new Pool(1);
  const sum = async (numbers: AsyncIterable<number>) => {
    let total = 0;
    for await (const number of numbers) total += number;
    return total;
  };
  const future = pool.submit(sum, readable);
  await explained(
    pool,
    /^The task 'sum' has begun on local worker 1, and waits for values of a stream among its arguments\.$/,
    future,
  );
  const writer = writable.getWriter();
  await writer.write(3);
  await writer.close();
  assertEquals(await future, 3);
});

Deno.test("Pool.explain() says whether a map waits for workers, its reader or its input", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const ports = Array.from({ length: 100 }, () => gate.port);
  const busy = pool.map(passGate<number>, ports, [1, 2, 3], { chunkSize: 1 });
  const results = busy.toArray();
  await gate.entered();
  await explained(pool, /^2 tasks wait for a worker: the only worker is busy/);
  gate.open();
  await gate.entered();
  gate.open();
  await gate.entered();
  gate.open();
  assertEquals(await results, [1, 2, 3]);

  const input = Promise.withResolvers<void>();
  async function* items() {
    yield 1;
    await input.promise;
  }
  const reading = pool.map(square, items());
  await reading.next();
  const end = reading.next();
  await explained(pool, /^A map of the task 'square' waits for more items/);
  input.resolve();
  await end;

  const numbers = Array.from({ length: 100_000 }, (_, x) => x);
  const unread = pool.map(square, numbers, { chunkSize: 1 });
  await unread.next();
  await explained(pool, /^A map of the task 'square' waits until more of its/);
  await unread.return!();
});

Deno.test("Pool.explain() describes a pool where nothing waits", async () => {
  const pool = new Pool(2);
  await explained(pool, /^No task waits, and the pool is starting: /);
  await pool.ready;
  assertEquals(pool.explain(), "No task waits: 2 workers are free.");
  await pool.shutdown();
  assertEquals(pool.explain(), "The pool was shut down.");
});

Deno.test("Pool.explain() says why a pool is broken", async () => {
  await using pool = new Pool({
    workers: 1,
    stdio: "null",
    initializer: () => {
      throw new Error("not today");
    },
  });
  await pool.ready.catch(() => {});
  const explanation = pool.explain();
  assertStringIncludes(explanation, "The pool is broken: ");
  assertStringIncludes(explanation, "not today");
});

Deno.test("Pool.explain() refuses anything but a future of the pool", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  await using other = new Pool(1);
  const future = other.submit(square, 2);
  const promise = other.run(square, 2);
  for (const wrong of [null, "square", promise]) {
    assertThrows(
      () => pool.explain(wrong as unknown as Future<unknown>),
      TypeError,
      "explain() takes a future, which submit() returns, not ",
    );
  }
  assertThrows(
    () => pool.explain(future),
    RangeError,
    "that of the task 'square' is one of another",
  );
  await Promise.all([future, promise]);
});
