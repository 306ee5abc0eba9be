/**
 * Conformance tests of results that stream.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Pool } from "../../mod.ts";
import {
  double,
  marks,
  pids,
  readUntilError,
  streamTasks as tasks,
  type Test,
  type TestWith,
  XS,
} from "./conformance_fixture.ts";
import { Gate } from "../helpers/gate.ts";

/** How many values a task may yield ahead of its reader, with a batch. */
const MOST_AHEAD = 2 * 4_096;

/** How many values of 1 MiB it may yield ahead. */
const MOST_LARGE_AHEAD = 6;

/** Tests of what can be streamed. */
function testSources(test: Test): void {
  test("streams what a generator yields", async (pool) => {
    assertEquals(
      await Array.fromAsync(pool.stream(function* (n: number) {
        for (let x = 0; x < n; x++) yield x * 2;
      }, XS.length)),
      XS.map(double),
    );
    assertEquals(await Array.fromAsync(pool.stream(tasks.count, 0)), []);
  });

  test("streams what an async generator yields", async (pool) => {
    const values = pool.stream(async function* (n: number) {
      for (let x = 0; x < n; x++) {
        if (x % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        yield x * 2;
      }
    }, XS.length);
    assertEquals(await Array.fromAsync(values), XS.map(double));
  });

  test("streams a ReadableStream, a promise of it, and an array", async (pool) => {
    const from = (xs: number[]) => ReadableStream.from(xs);
    assertEquals(await Array.fromAsync(pool.stream(from, XS)), XS);
    const later = async (xs: number[]) => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      return ReadableStream.from(xs);
    };
    assertEquals(await Array.fromAsync(pool.stream(later, XS)), XS);
    const same = (xs: number[]) => xs;
    assertEquals(await Array.fromAsync(pool.stream(same, XS)), XS);
  });

  test("streams many values in order", async (pool) => {
    let next = 0;
    for await (const value of pool.stream(tasks.count, 50_000)) {
      assertEquals(value, next++);
    }
    assertEquals(next, 50_000);
  });

  test("streams large values that share memory in the task", async (pool) => {
    const fill = function* (n: number) {
      const bytes = new Uint8Array(300_000);
      for (let x = 0; x < n; x++) yield bytes.fill(x);
    };
    let next = 0;
    for await (const bytes of pool.stream(fill, 40)) {
      assertEquals(bytes.length, 300_000);
      assert(bytes.every((byte) => byte === next), `value ${next}`);
      next++;
    }
    assertEquals(next, 40);
  });

  test("streams to several readers at once", async (pool) => {
    const sums = [1, 2, 3, 4, 5].map(async (n) => {
      let sum = 0;
      for await (const x of pool.stream(tasks.count, n * 1_000)) sum += x;
      return sum;
    });
    const expected = [1, 2, 3, 4, 5].map((n) =>
      n * 1_000 * (n * 1_000 - 1) / 2
    );
    assertEquals(await Promise.all(sums), expected);
  });
}

/** Tests of when values arrive. */
function testArrival(test: Test, testWith: TestWith): void {
  test("streams values while the task runs", async (pool) => {
    await using gate = new Gate();
    const reader = pool.stream(tasks.yieldAndWait, gate.port, 3).getReader();
    for (const x of [0, 1, 2]) {
      assertEquals(await reader.read(), { done: false, value: x });
    }
    await gate.entered();
    gate.open();
    assertEquals(await reader.read(), { done: false, value: "end" });
    assertEquals((await reader.read()).done, true);
  });

  test("begins a stream before it is read", async (pool) => {
    await using gate = new Gate();
    const values = pool.stream(tasks.yieldAndWait, gate.port, 0);
    await gate.entered();
    gate.open();
    assertEquals(await Array.fromAsync(values), ["end"]);
  });

  testWith("runs other tasks while nobody reads its streams", {
    prefetch: 1,
  }, async (pool) => {
    await pool.ready;
    const readers = Array.from(
      { length: 2 * pool.totalWorkers },
      () => pool.stream(tasks.countForever).getReader(),
    );
    for (const reader of readers) {
      assertEquals(await reader.read(), { done: false, value: 0 });
    }
    assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
    for (const reader of readers) {
      assertEquals(await reader.read(), { done: false, value: 1 });
      await reader.cancel();
    }
  });
}

/** Tests of how far tasks get ahead of readers. */
export function testStreamBackPressure(test: Test): void {
  test("lets a task yield no more than the credit of its reader", async (pool) => {
    const reader = pool.stream(tasks.countForever).getReader();
    for (let read = 0; read < 30_000;) {
      for (let n = 0; n < 3_000; n++, read++) {
        const { value } = await reader.read();
        if (value !== read) assertEquals(value, read);
      }
      // It runs when no task runs, so this one waits for its reader.
      const yielded = Math.max(...await pool.runOnAll(tasks.counted));
      assertLessOrEqual(yielded, read + MOST_AHEAD);
      assert(yielded >= read, `${yielded} values were yielded`);
    }
    await reader.cancel();
  });

  test("lets a task yield few large values ahead of its reader", async (pool) => {
    const reader = pool.stream(tasks.yieldLarge, 2 ** 20).getReader();
    for (let read = 0; read < 30;) {
      for (let n = 0; n < 3; n++, read++) {
        const { value } = await reader.read();
        assertEquals([value![0], value!.length], [read, 2 ** 20]);
      }
      const yielded = Math.max(...await pool.runOnAll(tasks.counted));
      assertLessOrEqual(yielded, read + MOST_LARGE_AHEAD);
    }
    await reader.cancel();
  });
}

/** Tests of streams that fail. */
function testFailingStreams(test: Test): void {
  test("throws what a generator throws after its values", async (pool) => {
    for (const n of [0, 1, 20_000]) {
      const failing = pool.stream(function* (n: number) {
        for (let x = 0; x < n; x++) yield x;
        throw new RangeError("on purpose");
      }, n);
      const { values, error } = await readUntilError(failing);
      assert(error instanceof RangeError && error.message === "on purpose");
      assertEquals(values, Array.from({ length: n }, (_, x) => x));
    }
  });

  test("throws the error of a value that can't be sent after the others", async (pool) => {
    const failing = pool.stream(tasks.yieldUnsendable);
    const { values, error } = await readUntilError(failing);
    assert(error instanceof DOMException && error.name === "DataCloneError");
    assertStringIncludes(error.message, "value is a function");
    assertEquals(values, [1, 2]);
    assertEquals(await marks(pool), ["closed"]);
  });

  test("refuses to stream a task that returns a number", async (pool) => {
    const wrong = pool.stream(
      double as unknown as (x: number) => Generator<number>,
      1,
    );
    await assertRejects(
      () => Array.fromAsync(wrong),
      TypeError,
      "needs a generator",
    );
  });

  test("refuses a generator as the result of run()", async (pool) => {
    const wrong = tasks.count as unknown as (n: number) => Promise<number>;
    await assertRejects(() => pool.run(wrong, 3), TypeError, "stream()");
    assertEquals(await pool.run(double, 1), 2);
  });
}

/** Leaves a stream after some values, and checks what happens over there. */
async function leaveStream(
  pool: Pool,
  stream: ReadableStream<number>,
): Promise<void> {
  const before = await pids(pool);
  let next = 0;
  for await (const value of stream) {
    assertEquals(value, next++);
    if (next === 100) break;
  }
  assertEquals(await marks(pool), ["closed"]);
  assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
  assertEquals(await pids(pool), before, "a worker was replaced");
}

/** Tests of streams that are left early. */
function testLeftStreams(test: Test): void {
  test("runs the cleanup of a generator whose stream is left", async (pool) => {
    await leaveStream(pool, pool.stream(tasks.markedCount));
  });

  test("runs the cleanup of an async generator whose stream is left", async (pool) => {
    await leaveStream(pool, pool.stream(tasks.markedCountLater));
  });

  test("cancels a ReadableStream whose stream is left", async (pool) => {
    await leaveStream(pool, pool.stream(tasks.markedReadable));
  });

  test("runs the cleanup when a reader that stopped leaves", async (pool) => {
    const reader = pool.stream(tasks.markedCount).getReader();
    await reader.read();
    // It waits until the task waits for its reader.
    await pool.runOnAll(double, 1);
    await reader.cancel();
    assertEquals(await marks(pool), ["closed"]);
  });

  test("aborts the signal of a task whose stream is left", async (pool) => {
    const reader = pool.stream(tasks.markAbort).getReader();
    assertEquals(await reader.read(), { done: false, value: 0 });
    await reader.cancel();
    assertEquals(await marks(pool), ["AbortError"]);
  });
}

/** Tests of signals and timeouts. */
function testEndedStreams(test: Test): void {
  test("ends a stream with the reason of its signal", async (pool) => {
    const before = await pids(pool);
    const controller = new AbortController();
    const runner = pool.with({ signal: controller.signal });
    const reader = runner.stream(tasks.markedCountLater).getReader();
    for (let x = 0; x < 10; x++) assertEquals((await reader.read()).value, x);
    const reason = { why: "on purpose" };
    controller.abort(reason);
    const thrown = await reader.read().catch((error) => error);
    assert(thrown === reason);
    assertEquals(await marks(pool), ["closed"]);
    assertEquals(await pids(pool), before, "a worker was replaced");
    const late = runner.stream(tasks.count, 1);
    assert(await late.getReader().read().catch((error) => error) === reason);
  });

  test("ends a stream at its timeout", async (pool) => {
    // Now all workers have the module.
    await marks(pool);
    const stream = pool.with({ timeout: 100 }).stream(tasks.countThenWait, 10);
    const { values, error } = await readUntilError(stream);
    assert(error instanceof DOMException && error.name === "TimeoutError");
    assertStringIncludes(error.message, "100 ms");
    assertEquals(values, XS.slice(0, values.length));
    const isBegun = values.length > 0;
    if (isBegun) assertEquals(await marks(pool), ["closed"]);
  });
}

/** Declares these tests. */
export function testStreams(test: Test, testWith: TestWith): void {
  testSources(test);
  testArrival(test, testWith);
  testStreamBackPressure(test);
  testFailingStreams(test);
  testLeftStreams(test);
  testEndedStreams(test);
}
