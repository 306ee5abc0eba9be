import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  asCompleted,
  type Executor,
  type Future,
  Pool,
  wait,
} from "../../mod.ts";
import { collectUntil } from "../helpers/collect_until.ts";

const never = () => new Promise<string>(() => {});
const fail = () => {
  throw new RangeError("oops");
};

/** Returns where futures are in a list: comparing them as objects is slow. */
function indexesOf(
  futures: Iterable<Future<unknown>>,
  list: readonly Future<unknown>[],
): number[] {
  return Array.from(futures, (future) => list.indexOf(future));
}

async function collect<AnyFuture extends Future<unknown>>(
  futures: AsyncIterable<AnyFuture>,
): Promise<AnyFuture[]> {
  return await Array.fromAsync(futures);
}

Deno.test("asCompleted() returns futures as they return, throw or are cancelled", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 4, cancelGrace: 50 });
  const endless = pool.submit(never);
  const failed = pool.submit(fail);
  const returned = pool.submit(() => 1);
  const iterator = asCompleted([endless, failed, returned, failed]);
  const first = await iterator.next();
  const second = await iterator.next();
  assertStrictEquals(first.value, failed);
  assertStrictEquals(second.value, returned);
  endless.cancel();
  assertStrictEquals((await iterator.next()).value, endless);
  assertEquals(await iterator.next(), { done: true, value: undefined });
});

Deno.test("asCompleted() begins with the futures that are done", async () => {
  await using pool = new Pool(1);
  const endless = pool.submit(never);
  const done = pool.submit(() => 1);
  const other = pool.submit(() => 2);
  endless.cancel();
  await Promise.all([done, other]);
  const futures = [done, endless, other];
  const completed = await collect(asCompleted(futures));
  assertEquals(completed.map((future) => futures.indexOf(future)), [0, 1, 2]);
});

Deno.test("asCompleted() throws when its time is over, and cancels nothing", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2, cancelGrace: 50 });
  const endless = pool.submit(never);
  const done = pool.submit(() => 1);
  await done;
  const iterator = asCompleted([endless, done], { timeout: 50 });
  assertStrictEquals((await iterator.next()).value, done);
  const error = await assertRejects(
    () => iterator.next(),
    DOMException,
    "1 of 2 futures weren't done within 50 ms",
  );
  assertEquals(error.name, "TimeoutError");
  assert(!endless.done());
  endless.cancel();
});

Deno.test("asCompleted() ends what waits for a future when the iterator returns", async () => {
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  const endless = pool.submit(never);
  const iterator = asCompleted([endless]);
  const next = iterator.next();
  const end = { done: true, value: undefined } as const;
  assertEquals(await iterator.return!(), end);
  assertEquals(await next, end);
  endless.cancel();
});

Deno.test("asCompleted() ends at once without futures", async () => {
  assertEquals(await collect(asCompleted([])), []);
});

Deno.test("wait() waits for all futures by default", async () => {
  await using pool = new Pool(2);
  const futures = [pool.submit(fail), pool.submit(() => 1), pool.submit(fail)];
  const { done, notDone } = await wait(futures);
  assertEquals(indexesOf(done, futures), [0, 1, 2]);
  assertEquals(notDone.size, 0);
});

Deno.test("wait() stops waiting at the first future that is done", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2, cancelGrace: 50 });
  const endless = pool.submit(never);
  const done = pool.submit(() => 1);
  const waited = await wait([endless, done], { returnWhen: "firstCompleted" });
  assertEquals(indexesOf(waited.done, [endless, done]), [1]);
  assertEquals(indexesOf(waited.notDone, [endless, done]), [0]);
  endless.cancel();
});

Deno.test("wait() stops waiting at the first future that throws, not at a cancelled one", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 8, cancelGrace: 50 });
  const endless = pool.submit(never);
  const cancelled = pool.submit(never);
  const returned = pool.submit(() => 1);
  cancelled.cancel();
  await returned;
  const options = { returnWhen: "firstException" } as const;
  const patient = { ...options, timeout: 50 };
  const before = await wait([endless, cancelled, returned], patient);
  assertEquals(indexesOf(before.notDone, [endless]), [0]);
  const failed = pool.submit(fail);
  const after = await wait([endless, cancelled, failed], options);
  assertEquals(indexesOf(after.done, [cancelled, failed]), [0, 1]);
  endless.cancel();
});

Deno.test("wait() with a timeout of 0 returns what is there", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2, cancelGrace: 50 });
  const endless = pool.submit(never);
  const done = pool.submit(() => 1);
  await done;
  const waited = await wait([endless, done], { timeout: 0 });
  assertEquals(indexesOf(waited.done, [done]), [0]);
  endless.cancel();
  assertEquals((await wait([])).done.size, 0);
});

Deno.test("asCompleted() and wait() refuse anything but futures and their options", async () => {
  const promise = Promise.resolve(1) as unknown as Future<number>;
  assertThrows(() => asCompleted([promise]), TypeError, "element 0");
  await assertRejects(() => wait([promise]), TypeError, "element 0");
  assertThrows(
    () => asCompleted(5 as unknown as []),
    TypeError,
    "'futures' must be an iterable of futures",
  );
  assertThrows(() => asCompleted([], { timeout: -1 }), RangeError, "timeout");
  const wrong = { returnWhen: "FIRST_COMPLETED" as "firstCompleted" };
  await assertRejects(() => wait([], wrong), RangeError, '"firstCompleted"');
  await assertRejects(
    () => wait([], { time: 1 } as unknown as { timeout: number }),
    TypeError,
    "wait() has no option 'time'",
  );
});

Deno.test("Future.result() ends the wait, not the task, after its timeout", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2, cancelGrace: 50 });
  const endless = pool.submit(never);
  const error = await assertRejects(
    () => endless.result({ timeout: 50 }),
    DOMException,
  );
  assertEquals(error.name, "TimeoutError");
  assert(!endless.done());
  endless.cancel();
  await assertRejects(() => endless.result(), DOMException, "was cancelled");
  assertEquals(await pool.submit(() => 1).result({ timeout: 60_000 }), 1);
  await assertRejects(
    () => endless.result(5 as unknown as { timeout: number }),
    TypeError,
    "must be an object",
  );
});

Deno.test("Future.exception() returns what the task threw", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2, cancelGrace: 50 });
  assertInstanceOf(await pool.submit(fail).exception(), RangeError);
  assertEquals(await pool.submit(() => 1).exception(), undefined);
  const endless = pool.submit(never);
  const late = await assertRejects(
    () => endless.exception({ timeout: 50 }),
    DOMException,
  );
  assertEquals(late.name, "TimeoutError");
  endless.cancel();
  const aborted = await assertRejects(() => endless.exception(), DOMException);
  assertEquals(aborted.name, "AbortError");
});

Deno.test("Future.exception() of a cancelled task refuses wrong options", async () => {
  await using pool = new Pool({ workers: 1, cancelGrace: 50 });
  const endless = pool.submit(never);
  endless.cancel();
  await assertRejects(() => endless.exception({ timeout: -1 }), RangeError);
});

Deno.test("Future.exception() returns the time-out of the call itself", async () => {
  await using pool = new Pool(1);
  const future = pool.with({ timeout: 50 }).submit(never);
  const error = await future.exception();
  assertInstanceOf(error, DOMException);
  assertEquals(error.name, "TimeoutError");
});

Deno.test("Future.addDoneCallback() refuses what isn't a function", async () => {
  await using pool = new Pool(1);
  const future = pool.submit(() => "done");
  for (const callback of [undefined, 3] as unknown[] as (() => void)[]) {
    assertThrows(
      () => future.addDoneCallback(callback),
      TypeError,
      "'callback' must be a function, but is",
    );
  }
  assertEquals(await future, "done");
});

Deno.test("Future.addDoneCallback() calls functions in order, whatever the outcome", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2, cancelGrace: 50 });
  const returned = pool.submit(() => 1);
  const failed = pool.submit(fail);
  const cancelled = pool.submit(never);
  const called: unknown[] = [];
  const futures: Future<unknown>[] = [returned, failed, cancelled];
  for (const future of futures) {
    future.addDoneCallback((done) => called.push([1, futures.indexOf(done)]));
    future.addDoneCallback((done) => called.push([2, futures.indexOf(done)]));
  }
  await returned;
  await failed.exception();
  cancelled.cancel();
  await assertRejects(() => cancelled);
  const expected = [0, 1, 2].flatMap((index) => [[1, index], [2, index]]);
  assertEquals(called, expected);
  const late = Promise.withResolvers<unknown>();
  returned.addDoneCallback(late.resolve);
  assertEquals(await late.promise, 1);
});

Deno.test("Future.addDoneCallback() logs what a function throws, and ignores it", async () => {
  await using pool = new Pool(1);
  const future = pool.submit(() => 1);
  const log = console.error;
  const logged: unknown[][] = [];
  console.error = (...args: unknown[]) => logged.push(args);
  try {
    const last = Promise.withResolvers<void>();
    future.addDoneCallback(fail);
    future.addDoneCallback(() => Promise.reject(new RangeError("later")));
    future.addDoneCallback(() => last.resolve());
    await last.promise;
    await future;
  } finally {
    console.error = log;
  }
  assertEquals(logged.map(([, error]) => String(error)), [
    "RangeError: oops",
    "RangeError: later",
  ]);
});

Deno.test("a Pool is an Executor", async () => {
  const square = (x: number) => x * x;
  const sum = async (executor: Executor) => {
    const squares = await executor.map(square, [1, 2, 3]).toArray();
    return squares.reduce((total, x) => total + x) +
      await executor.submit(square, 4);
  };
  await using pool = new Pool(1);
  assertEquals(await sum(pool), 30);
});

Deno.test("wait() and asCompleted() keep nothing of a wait that has ended", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2, cancelGrace: 50 });
  const endless = pool.submit(never);
  // A function of its own leaves no references in the registers of a frame.
  const begin = async () => {
    const [one, other] = [pool.submit(() => 1), pool.submit(() => 2)];
    await wait([endless, one], { returnWhen: "firstCompleted" });
    for await (const future of asCompleted([endless, other])) {
      assertStrictEquals(future, other);
      break;
    }
    return [one, other].map((future) => new WeakRef(future));
  };
  const done = await begin();
  const isKept = (future: WeakRef<Future<unknown>>) =>
    future.deref() !== undefined;
  await collectUntil(() => !done.some(isKept));
  endless.cancel();
  assertEquals(done.map(isKept), [false, false]);
});
