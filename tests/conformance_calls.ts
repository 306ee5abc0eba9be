/**
 * Conformance: single calls, and how they fail.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { bind, importTasks } from "../mod.ts";
import {
  combine,
  COMBINED,
  double,
  naturals,
  tasks,
  type Test,
  type TestWith,
  XS,
  XYZ,
} from "./conformance_fixture.ts";
import { Gate, passGate } from "./gate.ts";

export function testCalls(test: Test, testWith: TestWith): void {
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
    "cancels what is queued, and what is under way",
    { workers: 1, qsize: 1 },
    async (pool) => {
      await using gate = new Gate();
      const first = pool.submit(passGate, gate.port, "first");
      await gate.entered();
      assert(first.running());
      const second = pool.submit(double, 1);
      for (const future of [second, first]) {
        assert(future.cancel());
        assert(future.cancelled() && future.done() && !future.running());
        const error = await assertRejects(() => future, DOMException);
        assertEquals(error.name, "AbortError");
      }
      gate.open();
      const third = pool.submit(double, 2);
      assertEquals(await third, 4);
      assert(!third.cancel());
      assert(!third.cancelled() && third.done());
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

export function testErrors(test: Test): void {
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
      Error,
      "no_such_module.ts",
    );
  });
}
