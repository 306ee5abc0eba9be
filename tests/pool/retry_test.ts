import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  type CallPort,
  Pool,
  PoolClosedError,
  type RetryOptions,
  type TaskThis,
  WorkerLostError,
} from "../../mod.ts";
import { flowingTime } from "../helpers/flowing_time.ts";

/** Retries without a noticeable pause. */
const SOON: RetryOptions = { attempts: 4, minTimeout: 1 };

/** Retries after a pause that no test waits for. */
const NEVER: RetryOptions = {
  minTimeout: 2 ** 30,
  maxTimeout: 2 ** 30,
  jitter: 0,
};

/** A time limit that passes only when a test lets it. */
const HELD = 200_003;

/** A task that throws the first times, and returns how many times it ran. */
const flaky = (failures: number, key: unknown = ""): number => {
  const counts = (globalThis as { runs?: Map<unknown, number> }).runs ??=
    new Map();
  const runs = (counts.get(key) ?? 0) + 1;
  counts.set(key, runs);
  if (runs <= failures) throw new RangeError(`attempt ${runs}`);
  return runs;
};

/** Returns the error of a promise. */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("The promise was fulfilled");
}

/** Waits until a task of a future has thrown, and the call waits. */
function hasThrown(): [RetryOptions, Promise<void>] {
  const { promise, resolve } = Promise.withResolvers<void>();
  const when = () => {
    resolve();
    return true;
  };
  return [{ ...NEVER, when }, promise];
}

Deno.test("Pool.with() runs a task that throws again", async () => {
  await using pool = new Pool(1);
  const again = pool.with({ retry: SOON });
  assertEquals(await again.run(flaky, 3, "run"), 4);
  assertEquals(await again.submit(flaky, 2, "submit"), 3);
  assertEquals(await again.run(flaky, 0, "none"), 1);
  assertEquals(await Array.fromAsync(again.stream(flaky2, 2)), [3]);
});

/** The same as a generator. */
function* flaky2(failures: number): Generator<number> {
  const counts = globalThis as { streamed?: number };
  counts.streamed = (counts.streamed ?? 0) + 1;
  if (counts.streamed <= failures) throw new RangeError("not yet");
  yield counts.streamed;
}

Deno.test("Pool.run() with retry rejects with the last error and its attempts", async () => {
  await using pool = new Pool(1);
  const error = await errorOf(pool.with({ retry: SOON }).run(flaky, 9));
  assertInstanceOf(error, RangeError);
  assertEquals(error.message, "attempt 4");
  assertEquals((error as { attempts?: number }).attempts, 4);
  assertFalse(Object.keys(error).includes("attempts"));
  assert(error.stack?.includes("retry_test.ts"), error.stack);
});

Deno.test("Pool.run() with retry asks 'when' before each further attempt", async () => {
  await using pool = new Pool(1);
  const asked: string[] = [];
  const retry: RetryOptions = {
    ...SOON,
    when: (error) => {
      asked.push(String(error));
      return asked.length < 2;
    },
  };
  const error = await errorOf(pool.with({ retry }).run(flaky, 9));
  assertEquals(String(error), "RangeError: attempt 2");
  assertEquals((error as { attempts?: number }).attempts, 2);
  assertEquals(asked, ["RangeError: attempt 1", "RangeError: attempt 2"]);
});

Deno.test("Pool.run() with retry rejects with what 'when' throws", async () => {
  await using pool = new Pool(1);
  const reason = new TypeError("no idea");
  const when = () => {
    throw reason;
  };
  const retry = { ...SOON, when };
  assertStrictEquals(
    await errorOf(pool.with({ retry }).run(flaky, 9)),
    reason,
  );
  assertEquals(await pool.run(flaky, 1), 2);
});

Deno.test("Pool.run() with retry holds no worker between attempts", async () => {
  await using pool = new Pool({ workers: 1, prefetch: 0 });
  const [retry, thrown] = hasThrown();
  const future = pool.with({ retry }).submit(flaky, 9);
  await thrown;
  assertEquals(await pool.run(() => "free"), "free");
  assertFalse(future.running());
  assertFalse(future.done());
  assert(future.cancel());
  await assertRejects(() => future, DOMException, "was cancelled");
});

Deno.test("Pool.run() with retry keeps thousands of calls apart", async () => {
  await using pool = new Pool(1);
  const again = pool.with({ retry: SOON });
  const failures = Array.from({ length: 5_000 }, (_, index) => index % 4);
  const runs = await Promise.all(
    failures.map((count, index) => again.run(flakyAt, [count, index])),
  );
  assertEquals(runs, failures.map((count) => count + 1));
});

/** The same with one argument. */
const flakyAt = ([failures, key]: [number, number]): number => {
  const counts = (globalThis as { runs?: Map<unknown, number> }).runs ??=
    new Map();
  const runs = (counts.get(key) ?? 0) + 1;
  counts.set(key, runs);
  if (runs <= failures) throw new RangeError(`attempt ${runs}`);
  return runs;
};

Deno.test("A timeout ends a call that waits for its next attempt", async () => {
  using time = flowingTime();
  await using pool = new Pool(1);
  const [retry, thrown] = hasThrown();
  const late = pool.with({ retry, timeout: HELD });
  const rejected = errorOf(late.run(flaky, 9));
  await thrown;
  time.tick(HELD);
  const error = await rejected;
  assertInstanceOf(error, DOMException);
  assertEquals(error.name, "TimeoutError");
});

Deno.test("A signal ends a call that waits for its next attempt", async () => {
  await using pool = new Pool(1);
  const controller = new AbortController();
  const [retry, thrown] = hasThrown();
  const call = pool.with({ retry, signal: controller.signal }).run(flaky, 9);
  const rejected = errorOf(call);
  await thrown;
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await rejected, reason);
});

Deno.test("'when' may cancel its call", async () => {
  await using pool = new Pool(1);
  const controller = new AbortController();
  const retry: RetryOptions = {
    ...SOON,
    when: () => {
      controller.abort("enough");
      return true;
    },
  };
  const call = pool.with({ retry, signal: controller.signal }).run(flaky, 9);
  assertEquals(await errorOf(call), "enough");
  assertEquals(await pool.run(flaky, 1), 2);
});

Deno.test("'when' may terminate the pool", async () => {
  const pool = new Pool(1);
  const retry: RetryOptions = {
    ...SOON,
    when: () => {
      pool.terminate();
      return true;
    },
  };
  const error = await errorOf(pool.with({ retry }).run(flaky, 9));
  assertInstanceOf(error, DOMException);
  assertEquals(error.message, "The pool was terminated");
  await pool.terminate();
});

Deno.test("Pool.shutdown() waits for calls that run again", async () => {
  const pool = new Pool(1);
  const call = pool.with({ retry: { ...SOON, minTimeout: 20, jitter: 0 } })
    .run(flaky, 2);
  await pool.shutdown();
  assertEquals(await call, 3);
  await assertRejects(() => pool.run(flaky, 0), PoolClosedError);
});

Deno.test("Pool.shutdown() with cancelFutures ends calls that wait for their next attempt", async () => {
  const pool = new Pool(1);
  const [retry, thrown] = hasThrown();
  const call = errorOf(pool.with({ retry }).run(flaky, 9));
  await thrown;
  await pool.shutdown({ cancelFutures: true });
  assertEquals(String(await call), "AbortError: The pool was shut down");
});

Deno.test("Pool.terminate() ends calls that wait for their next attempt", async () => {
  const pool = new Pool(1);
  const [retry, thrown] = hasThrown();
  const call = errorOf(pool.with({ retry }).run(flaky, 9));
  await thrown;
  await pool.terminate();
  assertEquals(String(await call), "AbortError: The pool was terminated");
});

Deno.test("The end of a block ends calls that wait for their next attempt, and that nobody awaits", async () => {
  const { warn } = console;
  console.warn = () => {};
  try {
    await using pool = new Pool({ workers: 1, cancelGrace: 10 });
    const [retry, thrown] = hasThrown();
    pool.with({ retry }).run(flaky, 9);
    await thrown;
  } finally {
    console.warn = warn;
  }
});

Deno.test("Pool.runOnAll() waits for earlier calls that run again, and ignores retry", async () => {
  await using pool = new Pool(1);
  const again = pool.with({ retry: { ...SOON, minTimeout: 20, jitter: 0 } });
  const order: string[] = [];
  const call = again.run(flaky, 2).then(() => order.push("run"));
  const all = again.runOnAll(() => {}).then(() => order.push("all"));
  await Promise.all([call, all]);
  assertEquals(order, ["run", "all"]);
  const error = await errorOf(again.runOnAll(flaky, 1, "all"));
  assertEquals(String(error), "RangeError: attempt 1");
});

Deno.test("Pool.run() counts retries of lost workers apart", async () => {
  await using pool = new Pool({ workers: 1, maxRestarts: 100 });
  const path = await Deno.makeTempFile();
  try {
    const task = (path: string) => {
      Deno.writeTextFileSync(path, "x", { append: true });
      const runs = Deno.readTextFileSync(path).length;
      if (runs % 2 === 1) throw new Error(`attempt ${runs}`);
      if (runs < 6) Deno.exit(1);
      return runs;
    };
    const both = pool.with({ retry: SOON, retries: 2 });
    assertEquals(await both.run(task, path), 6);
    await Deno.writeTextFile(path, "");
    const lost = pool.with({ retry: SOON, retries: 1 });
    const error = await assertRejects(() => lost.run(task, path));
    assertInstanceOf(error, WorkerLostError);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("Pool.stream() doesn't run a task again that has yielded", async () => {
  await using pool = new Pool(1);
  const again = pool.with({ retry: SOON });
  const values: number[] = [];
  const error = await errorOf((async () => {
    for await (const value of again.stream(yieldThenThrow)) values.push(value);
  })());
  assertEquals(values, [1]);
  assertEquals(String(error), "RangeError: run 1");
  assertEquals((error as { attempts?: number }).attempts, 1);
});

function* yieldThenThrow(): Generator<number> {
  const counts = globalThis as { yielded?: number };
  counts.yielded = (counts.yielded ?? 0) + 1;
  yield counts.yielded;
  throw new RangeError(`run ${counts.yielded}`);
}

Deno.test("Pool.run() doesn't run a task again that has read or left a stream", async () => {
  await using pool = new Pool(1);
  const again = pool.with({ retry: SOON });
  const read = async (values: ReadableStream<number>): Promise<void> => {
    for await (const value of values) throw new RangeError(`got ${value}`);
  };
  const leave = async (values: ReadableStream<number>): Promise<void> => {
    await values.cancel();
    throw new RangeError("left");
  };
  const first = await errorOf(again.run(read, ReadableStream.from([7])));
  assertEquals(String(first), "RangeError: got 7");
  const second = await errorOf(again.run(leave, ReadableStream.from([7])));
  assertEquals(String(second), "RangeError: left");
  for (const error of [first, second]) {
    assertEquals((error as { attempts?: number }).attempts, 1);
  }
});

Deno.test("Pool.run() runs a task again that hasn't read its stream", async () => {
  await using pool = new Pool(1);
  const sum = async (values: ReadableStream<number>): Promise<number> => {
    const counts = globalThis as { sums?: number };
    counts.sums = (counts.sums ?? 0) + 1;
    if (counts.sums < 3) throw new RangeError("not yet");
    let sum = 0;
    for await (const value of values) sum += value;
    return sum;
  };
  const again = pool.with({ retry: SOON });
  assertEquals(await again.run(sum, ReadableStream.from([1, 2, 3])), 6);
});

Deno.test("Pool.submit() keeps messages for the attempt that reads them", async () => {
  await using pool = new Pool(1);
  const counts: unknown[] = [];
  async function ask(this: TaskThis): Promise<unknown> {
    const counts = globalThis as { asked?: number };
    counts.asked = (counts.asked ?? 0) + 1;
    await this.port.postMessage(counts.asked);
    if (counts.asked < 3) throw new RangeError("not yet");
    return (await this.port.next()).value;
  }
  const onMessage = (count: unknown, port: CallPort) => {
    counts.push(count);
    if (count === 3) return port.postMessage("hello");
  };
  const again = pool.with({ retry: SOON, onMessage });
  assertEquals(await again.run(ask), "hello");
  assertEquals(counts, [1, 2, 3]);
});

Deno.test("Future.postMessage() between two attempts sends to the next one", async () => {
  await using pool = new Pool(1);
  async function read(this: TaskThis): Promise<unknown> {
    const counts = globalThis as { reads?: number };
    counts.reads = (counts.reads ?? 0) + 1;
    const next = this.port.next();
    if (counts.reads === 1) {
      // The pool knows that the task reads before it knows that it threw.
      await this.port.postMessage("reading");
      throw new RangeError("not yet");
    }
    return (await next).value;
  }
  const retry: RetryOptions = {
    attempts: 2,
    minTimeout: 30,
    jitter: 0,
    when: () => {
      setTimeout(() => future.postMessage("hello"), 0);
      return true;
    },
  };
  const future = pool.with({ retry }).submit(read);
  assertEquals(await future, "hello");
});

Deno.test("Pool.run() doesn't run a task again whose arguments or result can't be sent", async () => {
  await using pool = new Pool(1);
  const again = pool.with({ retry: NEVER });
  for (
    const call of [
      again.run((x: unknown) => x, () => 1),
      again.run((): unknown => () => 1),
    ]
  ) {
    const error = await errorOf(call);
    assertInstanceOf(error, DOMException);
    assertEquals(error.name, "DataCloneError");
  }
});

Deno.test("Pool doesn't run a task again that returns a generator or a stream", async () => {
  await using pool = new Pool(1);
  const retrying = pool.with({ retry: NEVER, timeout: 30_000 });
  const generate = (x: number) => [x].values();
  const stream = () => new ReadableStream() as unknown as number;
  const text = "The task returned a generator or a stream";
  const calls = [
    () => retrying.run(stream),
    () => retrying.map(generate, [1, 2], { chunkSize: 2 }).toArray(),
  ];
  for (const call of calls) {
    const error = await assertRejects(call, TypeError, text);
    assertEquals((error as { attempts?: number }).attempts, 1);
  }
  const items = await retrying.map(stream, [1]).settled().toArray();
  assertEquals(items.map(({ status }) => status), ["rejected"]);
});

Deno.test("Pool.stats() counts each attempt that failed", async () => {
  await using pool = new Pool(1);
  await pool.with({ retry: SOON }).run(flaky, 3);
  const [host] = pool.stats().hosts;
  assertEquals([host!.done, host!.failed], [1, 3]);
});
