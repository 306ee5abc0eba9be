/**
 * The tests that a pool passes wherever its workers run.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Gate, passGate } from "./gate.ts";
import {
  bind,
  BrokenPoolError,
  importTasks,
  Pool,
  PoolClosedError,
  type PoolOptions,
} from "../mod.ts";

const tasks = importTasks<typeof import("./tasks.ts")>(
  import.meta.resolve("./tasks.ts"),
);

const REPETITIONS = 100;
const XS = Array.from({ length: REPETITIONS }, (_, index) => index);
const YS = XS.map((x) => x * x);
const ZS = XS.map((x) => x * 2);
const XYZ = XS.map((x): [number, number, number] => [x, YS[x]!, ZS[x]!]);

const double = (x: number) => x * 2;
const combine = (x: number, y: number, z: number) => x * y - 4 * z;
const COMBINED = XYZ.map((xyz) => combine(...xyz));

/** Yields values one event loop turn after the other. */
async function* later<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    yield value;
  }
}

function* naturals(): Generator<number> {
  for (let n = 0;; n++) yield n;
}

/** Declares all tests for pools made with these options. */
export function testConformance(kind: string, options: PoolOptions): void {
  function test(name: string, body: (pool: Pool) => Promise<void>): void {
    testWith(name, {}, body);
  }
  function testWith(
    name: string,
    extra: PoolOptions,
    body: (pool: Pool) => Promise<void>,
  ): void {
    Deno.test(`Pool (${kind}) ${name}`, async () => {
      await using pool = new Pool({ workers: 2, ...options, ...extra });
      await body(pool);
    });
  }
  testCalls(test, testWith);
  testErrors(test);
  testOrderedMaps(test);
  testUnboundedMaps(test, testWith);
  testFailingMaps(test);
  testOptions(test, testWith, { workers: 2, ...options });
  testShutdown({ workers: 2, ...options });
}

type Test = (name: string, body: (pool: Pool) => Promise<void>) => void;
type TestWith = (
  name: string,
  extra: PoolOptions,
  body: (pool: Pool) => Promise<void>,
) => void;

function testCalls(test: Test, testWith: TestWith): void {
  test("runs sync and async functions", async (pool) => {
    assertEquals(await pool.run((a: number, b: number) => a + b, 3, 5), 8);
    const add = async (a: number, b: number) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return a + b;
    };
    const sum: number = await pool.run(add, 3, 5);
    assertEquals(sum, 8);
  });

  test("runs 100 tasks with three arguments at once", async (pool) => {
    const results = await Promise.all(
      XYZ.map((xyz) => pool.run(combine, ...xyz)),
    );
    assertEquals(results, COMBINED);
  });

  test("runs exports of a module", async (pool) => {
    assertEquals(await pool.run(tasks.greet, "Ada"), "Hello, Ada");
    assertEquals(await pool.run(tasks.later, 5), 5);
    assertEquals(await pool.run(tasks.default), "the default export");
  });

  test("runs a task with bound constants", async (pool) => {
    const scaled = bind((table: number[], x: number) => table[x]! * 10, [7, 8]);
    assertEquals(await pool.map(scaled, [1, 0, 1]).toArray(), [80, 70, 80]);
    const hello = bind(tasks.join, "a", "b");
    assertEquals(await pool.run(bind(hello, "c"), "d"), "a b c d");
  });

  test("submits a task", async (pool) => {
    const future = pool.submit(combine, 10, 9, 8);
    assertEquals(await future, combine(10, 9, 8));
    assert(future.done());
    assert(!future.running());
    assert(!future.cancelled());
    assert(!future.cancel());
  });

  testWith(
    "cancels what is queued only",
    { workers: 1, qsize: 1 },
    async (pool) => {
      await using gate = new Gate();
      const first = pool.submit(passGate, gate.port, "first");
      await gate.entered();
      assert(first.running());
      const second = pool.submit(double, 1);
      assert(!first.cancel());
      assert(second.cancel());
      assert(second.cancelled() && second.done() && !second.running());
      const error = await assertRejects(() => second, DOMException);
      assertEquals(error.name, "AbortError");
      gate.open();
      assertEquals(await first, "first");
    },
  );

  test("runs a task on all workers with a map under way", async (pool) => {
    const map = pool.map(double, naturals());
    for (let n = 0; n < 10; n++) {
      assertEquals(await map.next(), { done: false, value: n * 2 });
    }
    const pids = await pool.runOnAll(() => Deno.pid);
    assertEquals(new Set(pids).size, pool.totalWorkers);
    assertEquals(pids.length, pool.totalWorkers);
    assertEquals(await map.next(), { done: false, value: 20 });
    await map.return?.();
  });

  test("runs on all workers between what was and what is submitted", async (pool) => {
    const append = (mark: string) => {
      const global = globalThis as { marks?: string[] };
      (global.marks ??= []).push(mark);
      return global.marks.join("");
    };
    const before = XS.map(() => pool.run(append, "a"));
    const round = pool.runOnAll(append, "b");
    const after = XS.map(() => pool.run(append, "c"));
    await Promise.all([...before, ...after]);
    for (const marks of await round) assert(/^a*b$/.test(marks), marks);
    for (const marks of await pool.runOnAll(append, "")) {
      assert(/^a*bc*$/.test(marks), marks);
    }
  });

  test("sends big values both ways", async (pool) => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const big = new Uint8Array(3_000_000);
    for (let at = 0; at < big.length; at += bytes.length) big.set(bytes, at);
    const back = await pool.run((bytes: Uint8Array) => bytes.slice(1), big);
    assertEquals(back.length, big.length - 1);
    assert(back.every((byte, index) => byte === big[index + 1]));
  });

  test("keeps big results apart when a task reuses its memory", async (pool) => {
    const fill = (byte: number) => {
      const global = globalThis as { scratch?: Uint8Array<ArrayBuffer> };
      return (global.scratch ??= new Uint8Array(200_000)).fill(byte);
    };
    const results = pool.map(fill, XS, { chunksize: 1 });
    let byte = 0;
    for await (const result of results) {
      assert(result.every((value) => value === byte), `of task ${byte}`);
      byte++;
    }
  });
}

function testErrors(test: Test): void {
  test("rejects with what a task throws", async (pool) => {
    const fail = (message: string) => {
      throw new RangeError(message);
    };
    await assertRejects(
      () => pool.run(fail, "on purpose"),
      RangeError,
      "on purpose",
    );
    await assertRejects(
      async () => await pool.submit(fail, "on purpose"),
      RangeError,
      "on purpose",
    );
    await assertRejects(() => pool.runOnAll(fail, "on purpose"), RangeError);
    assertEquals(await pool.run(double, 4), 8);
  });

  test("keeps class, name, message, cause and own properties of an error", async (pool) => {
    const error = await assertRejects(() => pool.run(tasks.failRichly));
    assertInstanceOf(error, TypeError);
    assertEquals(error.name, "RichError");
    assertEquals(error.message, "too rich");
    assertEquals((error as Error & { code: unknown }).code, { deep: [1, 2] });
    assertInstanceOf(error.cause, Deno.errors.NotFound);
    assertEquals(error.cause.message, "the cause");
  });

  test("shows the stack of the task and of the caller", async (pool) => {
    async function theCaller() {
      await pool.run(tasks.failRichly);
    }
    const error = await assertRejects(theCaller, Error);
    const stack = error.stack!;
    assertStringIncludes(stack, "RichError: too rich");
    assertStringIncludes(stack, "tasks.ts");
    assertStringIncludes(stack, "failRichly");
    assertStringIncludes(stack, "theCaller");
    assert(!stack.includes("executor.ts"), stack);
    assert(stack.indexOf("failRichly") < stack.indexOf("theCaller"), stack);
  });

  test("shows the stacks of those who await many calls", async (pool) => {
    async function theAwaiter() {
      await Promise.all(XS.map(() => pool.run(tasks.failRichly)));
    }
    const error = await assertRejects(theAwaiter, Error);
    assertStringIncludes(error.stack!, "failRichly");
    assertStringIncludes(error.stack!, "theAwaiter");
    async function oneOfMany() {
      await pool.run(tasks.failRichly);
    }
    const outcomes = await Promise.allSettled(XS.map(oneOfMany));
    for (const outcome of outcomes) {
      assert(outcome.status === "rejected");
      assertStringIncludes(outcome.reason.stack, "failRichly");
      assertStringIncludes(outcome.reason.stack, "oneOfMany");
    }
  });

  test("rejects with a thrown value that is no error as it is", async (pool) => {
    const thrown = await pool.run(() => {
      throw { code: 42 };
    }).catch((thrown) => thrown);
    assertEquals(thrown, { code: 42 });
    const nothing = await pool.run(() => Promise.reject(undefined)).then(
      () => "resolved",
      (thrown) => thrown,
    );
    assertEquals(nothing, undefined);
  });

  test("hints at outer variables in a ReferenceError", async (pool) => {
    const factor = 3;
    const error = await assertRejects(
      () => pool.run((x: number) => x * factor, 2),
      ReferenceError,
      "factor is not defined",
    );
    assertStringIncludes(error.message, "importTasks()");
    assertStringIncludes(error.stack!, error.message);
  });

  test("names an argument that can't be sent, which costs only that task", async (pool) => {
    const user = { name: "Ada", callback: () => {} };
    const [bad, good] = await Promise.allSettled([
      pool.run((value: unknown) => typeof value, { user }),
      pool.run((value: unknown) => typeof value, { user: "Ada" }),
    ]);
    assertEquals(good, { status: "fulfilled", value: "object" });
    assert(bad.status === "rejected");
    assertInstanceOf(bad.reason, DOMException);
    assertEquals(bad.reason.name, "DataCloneError");
    assertStringIncludes(
      bad.reason.message,
      "args[0].user.callback is a function",
    );
  });

  test("names a part of a result that can't be sent, which costs only that task", async (pool) => {
    const give = (bad: boolean) => bad ? [1, { get: () => 1 }] : [];
    const outcomes = await Promise.allSettled(
      [false, true, false].map((bad) => pool.run(give, bad)),
    );
    assertEquals(outcomes[0]!.status, "fulfilled");
    assertEquals(outcomes[2]!.status, "fulfilled");
    const bad = outcomes[1] as PromiseRejectedResult;
    assertStringIncludes(bad.reason.message, "result[1].get is a function");
  });

  test("names an export that a module doesn't have", async (pool) => {
    const wrong = importTasks<{ nothing: () => void }>(
      import.meta.resolve("./tasks.ts"),
    );
    const error = await assertRejects(() => pool.run(wrong.nothing), TypeError);
    assertStringIncludes(error.message, "exports no function 'nothing'");
    assertStringIncludes(error.message, "greet");
  });

  test("rejects when a module can't be loaded", async (pool) => {
    const missing = importTasks<{ task: () => void }>(
      import.meta.resolve("./no_such_module.ts"),
    );
    await assertRejects(
      () => pool.run(missing.task),
      TypeError,
      "no_such_module.ts",
    );
  });
}

function testOrderedMaps(test: Test): void {
  test("maps one iterable in order", async (pool) => {
    assertEquals(await Array.fromAsync(pool.map(double, XS)), XS.map(double));
  });

  test("maps three iterables in order", async (pool) => {
    assertEquals(
      await Array.fromAsync(pool.map(combine, XS, YS, ZS)),
      COMBINED,
    );
  });

  test("maps lists of arguments", async (pool) => {
    const map = pool.map(combine, XYZ, { star: true });
    assertEquals(await Array.fromAsync(map), COMBINED);
  });

  test("maps one iterable in chunks of 7", async (pool) => {
    const map = pool.map(double, XS, { chunksize: 7 });
    assertEquals(await Array.fromAsync(map), XS.map(double));
  });

  test("maps three iterables in chunks of 10", async (pool) => {
    const map = pool.map(combine, XS, YS, ZS, { chunksize: 10 });
    assertEquals(await map.toArray(), COMBINED);
  });

  test("maps an async iterator of lists of arguments", async (pool) => {
    const map = pool.map(combine, later(XYZ), { star: true });
    assertEquals(await Array.fromAsync(map), COMBINED);
  });

  test("maps sync and async iterators mixed", async (pool) => {
    const map = pool.map(combine, later(XS), later(YS), ZS);
    assertEquals(await Array.fromAsync(map), COMBINED);
  });

  test("maps sync and async iterators mixed in chunks of 10", async (pool) => {
    const map = pool.map(combine, later(XS), later(YS), ZS, { chunksize: 10 });
    assertEquals(await map.toArray(), COMBINED);
  });

  test("maps until the shortest iterable ends", async (pool) => {
    const add = (a: number, b: number) => a + b;
    assertEquals(await pool.map(add, naturals(), [1, 2]).toArray(), [1, 3]);
    assertEquals(await pool.map(add, [1, 2], later([5])).toArray(), [6]);
    assertEquals(await pool.map(add, [], [1]).toArray(), []);
  });

  test("maps async tasks in chunks", async (pool) => {
    const wait = async (x: number) => {
      await new Promise((resolve) => setTimeout(resolve, x % 3));
      return x;
    };
    assertEquals(await pool.map(wait, XS, { chunksize: 9 }).toArray(), XS);
  });

  test("maps without order to the same results", async (pool) => {
    const map = pool.map(tasks.later, XS, { ordered: false, chunksize: 3 });
    const results = await map.toArray();
    assertEquals(results.toSorted((a, b) => a - b), XS);
  });

  test("gives results to several next() calls in order", async (pool) => {
    const map = pool.map(double, [1, 2]);
    const steps = await Promise.all([map.next(), map.next(), map.next()]);
    assertEquals(steps, [
      { done: false, value: 2 },
      { done: false, value: 4 },
      { done: true, value: undefined },
    ]);
  });

  test("does several maps at once", async (pool) => {
    const maps = [1, 2, 3].map((factor) =>
      pool.map(bind((f: number, x: number) => f * x, factor), XS).toArray()
    );
    assertEquals(
      await Promise.all(maps),
      [1, 2, 3].map((factor) => XS.map((x) => factor * x)),
    );
  });
}

function testUnboundedMaps(test: Test, testWith: TestWith): void {
  test("maps an unbounded generator, left early", async (pool) => {
    let closed = false;
    function* unbounded() {
      try {
        yield* naturals();
      } finally {
        closed = true;
      }
    }
    const results: number[] = [];
    for await (const result of pool.map(double, unbounded())) {
      results.push(result);
      if (results.length === 1_000) break;
    }
    assertEquals(results, Array.from({ length: 1_000 }, (_, n) => n * 2));
    assert(closed);
    assertEquals(await pool.run(double, 1), 2);
  });

  test("maps an unbounded async generator, left early", async (pool) => {
    const source = later(naturals());
    for await (const result of pool.map(double, source)) {
      if (result === 20) break;
    }
    assertEquals(await source.next(), { done: true, value: undefined });
  });

  test("can leave a map whose source gives nothing more", async (pool) => {
    async function* silent() {
      yield 1;
      await new Promise(() => {});
    }
    for await (const result of pool.map(double, silent())) {
      assertEquals(result, 2);
      break;
    }
  });

  testWith(
    "reads a source only as far as the windows go",
    { qsize: 2 },
    async (pool) => {
      await pool.ready;
      let taken = 0;
      function* counted() {
        for (const n of naturals()) {
          taken = n + 1;
          yield n;
        }
      }
      const map = pool.map(double, counted(), { chunksize: 1 });
      const windows = 2 * (2 * 2) + 16 * 2;
      for (let read = 1; read <= 200; read++) {
        assertEquals((await map.next()).value, (read - 1) * 2);
        // Whatever the workers have done by then.
        await pool.runOnAll(() => {});
        assertLessOrEqual(taken, read + windows);
      }
      assertGreaterOrEqual(taken, 200);
      await map.return?.();
    },
  );

  test("takes nothing from a source that is not read", async (pool) => {
    let taken = false;
    function* source() {
      taken = true;
      yield 1;
    }
    pool.map(double, source());
    await pool.run(double, 1);
    assert(!taken);
  });

  test("gives results without order as they are ready", async (pool) => {
    await using gate = new Gate();
    const map = pool.map(
      passGate<string>,
      [gate.port, 0],
      ["waits", "doesn't"],
      { ordered: false, chunksize: 1 },
    );
    const first = map.next();
    await gate.entered();
    assertEquals((await first).value, "doesn't");
    gate.open();
    assertEquals((await map.next()).value, "waits");
    assertEquals((await map.next()).done, true);
  });

  test("ends a map at its time-out", async (pool) => {
    await using gate = new Gate();
    const map = pool.map(
      passGate<number>,
      naturals().map((n) => n < 3 ? 0 : gate.port),
      naturals(),
      { timeout: 50, chunksize: 1 },
    );
    const results: number[] = [];
    const error = await assertRejects(async () => {
      for await (const result of map) results.push(result);
    }, DOMException);
    assertEquals(error.name, "TimeoutError");
    assertStringIncludes(error.message, "50 ms");
    assertLessOrEqual(results.length, 3);
    assertEquals(await map.next(), { done: true, value: undefined });
  });

  testWith("overlaps async tasks up to the concurrency", {
    workers: 1,
    concurrency: 8,
  }, async (pool) => {
    const overlap = async () => {
      const global = globalThis as { active?: number };
      global.active = (global.active ?? 0) + 1;
      const active = global.active;
      await new Promise((resolve) => setTimeout(resolve, 5));
      global.active--;
      return active;
    };
    for (const chunksize of [1, 20]) {
      const seen = await pool.map(overlap, XS.map(() => []), {
        star: true,
        chunksize,
      }).toArray();
      assertEquals(Math.max(...seen), 8);
    }
  });

  testWith(
    "overlaps no async tasks by default",
    { workers: 1 },
    async (pool) => {
      const overlap = async () => {
        const global = globalThis as { active?: number };
        global.active = (global.active ?? 0) + 1;
        await new Promise((resolve) => setTimeout(resolve, 1));
        return global.active--;
      };
      const seen = await Promise.all(XS.map(() => pool.run(overlap)));
      assertEquals(new Set(seen), new Set([1]));
    },
  );

  testWith(
    "queues nothing at workers with qsize 1",
    { workers: 1, qsize: 1 },
    async (pool) => {
      assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
      const running = XS.map(() => pool.submit(() => 1));
      await running[0];
      await new Promise((resolve) => setTimeout(resolve, 0));
      assertLessOrEqual(running.filter((future) => future.running()).length, 1);
      await Promise.all(running);
    },
  );
}

function testFailingMaps(test: Test): void {
  const failAt = (x: number) => {
    if (x === 50) throw new RangeError("at 50");
    return x;
  };

  for (const chunksize of [1, 7, "auto"] as const) {
    test(`throws in the middle of a map in chunks of ${chunksize}`, async (pool) => {
      const results: number[] = [];
      const map = pool.map(failAt, naturals(), { chunksize });
      await assertRejects(
        async () => {
          for await (const result of map) results.push(result);
        },
        RangeError,
        "at 50",
      );
      assertEquals(results, XS.slice(0, 50));
      assertEquals(await map.next(), { done: true, value: undefined });
    });
  }

  test("names the item's result that can't be sent in a chunk", async (pool) => {
    const give = (x: number) => x === 5 ? () => x : x;
    const results: unknown[] = [];
    const map = pool.map(give, XS, { chunksize: 10 });
    const error = await assertRejects(async () => {
      for await (const result of map) results.push(result);
    }, DOMException);
    assertStringIncludes(error.message, "result is a function");
    assertEquals(results, [0, 1, 2, 3, 4]);
  });

  for (const kind of ["sync", "async"]) {
    test(`throws what a ${kind} iterable throws, after its results`, async (pool) => {
      function* failing() {
        yield* [1, 2, 3];
        throw new URIError("the source failed");
      }
      const results: number[] = [];
      const source = kind === "sync" ? failing() : later(failing());
      await assertRejects(
        async () => {
          for await (const result of pool.map(double, source)) {
            results.push(result);
          }
        },
        URIError,
        "the source failed",
      );
      assertEquals(results, [2, 4, 6]);
    });
  }

  test("closes its source when the task throws", async (pool) => {
    let closed = false;
    function* source() {
      try {
        yield* naturals();
      } finally {
        closed = true;
      }
    }
    await assertRejects(() => pool.map(failAt, source()).toArray(), RangeError);
    assert(closed);
  });
}

function testOptions(
  test: Test,
  testWith: TestWith,
  options: PoolOptions,
): void {
  testWith("runs the initializer on each worker first", {
    initializer: (value: string) => {
      (globalThis as { initialized?: string }).initialized = value;
    },
    initargs: ["yes"],
  }, async (pool) => {
    const seen = await pool.runOnAll(() =>
      (globalThis as { initialized?: string }).initialized
    );
    assertEquals(seen, ["yes", "yes"]);
  });

  test("is ready when all workers have connected", async (pool) => {
    assert(!pool.isReady);
    await pool.ready;
    assert(pool.isReady);
    assertEquals(pool.totalWorkers, 2);
    await pool.shutdown();
    assert(!pool.isReady);
  });

  testWith("starts no worker before the first task with lazyCreate", {
    lazyCreate: true,
  }, async (pool) => {
    assert(!pool.isReady);
    assertEquals(await pool.run(double, 2), 4);
    assert(pool.isReady);
  });

  Deno.test(`Pool rejects all with an initializer that fails (${JSON.stringify(options)})`, async () => {
    await using pool = new Pool({
      ...options,
      initializer: () => {
        throw new TypeError("not today");
      },
    });
    const run = assertRejects(() => pool.run(double, 1), BrokenPoolError);
    const error = await assertRejects(() => pool.ready, BrokenPoolError);
    assertStringIncludes(error.message, "not today");
    assertInstanceOf(error.cause, TypeError);
    await run;
    await assertRejects(() => pool.run(double, 1), BrokenPoolError);
    await assertRejects(() => pool.map(double, [1]).toArray(), BrokenPoolError);
    await assertRejects(() => pool.runOnAll(double, 1), BrokenPoolError);
  });
}

function testShutdown(options: PoolOptions): void {
  const kind = JSON.stringify(options);
  const slow = async (x: number) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return x;
  };

  Deno.test(`Pool.shutdown() lets what was submitted finish (${kind})`, async () => {
    const pool = new Pool(options);
    const results = XS.map((x) => pool.run(slow, x));
    await pool.shutdown();
    assertEquals(await Promise.all(results), XS);
    await assertRejects(() => pool.run(slow, 1), PoolClosedError);
    await assertRejects(() => pool.runOnAll(slow, 1), PoolClosedError);
    await assertRejects(() => pool.map(slow, [1]).toArray(), PoolClosedError);
    await pool.shutdown();
  });

  Deno.test(`Pool.shutdown() without waiting lets it finish too (${kind})`, async () => {
    const pool = new Pool(options);
    const results = XS.map((x) => pool.run(slow, x));
    await pool.shutdown({ wait: false });
    await assertRejects(() => pool.run(slow, 1), PoolClosedError);
    assertEquals(await Promise.all(results), XS);
    await pool.shutdown();
  });

  Deno.test(`Pool.shutdown() cancels what is queued on demand (${kind})`, async () => {
    const pool = new Pool({ ...options, qsize: 1 });
    await pool.ready;
    const results = XS.map((x) => pool.submit(slow, x));
    await results[0];
    await pool.shutdown({ cancelFutures: true });
    const outcomes = await Promise.allSettled(results);
    assertEquals(outcomes[0], { status: "fulfilled", value: 0 });
    assert(
      outcomes.every((outcome) =>
        outcome.status === "fulfilled" || outcome.reason.name === "AbortError"
      ),
    );
    assertEquals(outcomes.at(-1)!.status, "rejected");
  });

  Deno.test(`Pool.shutdown() ends a map that is being read (${kind})`, async () => {
    const pool = new Pool(options);
    const map = pool.map(slow, naturals());
    assertEquals((await map.next()).value, 0);
    await pool.shutdown();
    let read = 1;
    await assertRejects(async () => {
      for await (const result of map) assertEquals(result, read++);
    }, PoolClosedError);
  });

  Deno.test(`Pool.shutdown() while it is starting (${kind})`, async () => {
    await new Pool(options).shutdown();
    const pool = new Pool({ ...options, lazyCreate: true });
    await pool.shutdown();
    await assertRejects(() => pool.ready, PoolClosedError);
  });
}
