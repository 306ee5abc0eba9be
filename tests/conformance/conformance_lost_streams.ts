/**
 * Conformance tests of streams whose workers are lost.
 *
 * @module
 */

import { assertEquals, assertInstanceOf, assertLessOrEqual } from "@std/assert";
import { WorkerLostError } from "../../mod.ts";
import {
  double,
  marks,
  naturals,
  readUntilError,
  streamTasks as tasks,
  type Test,
  XS,
} from "./conformance_fixture.ts";
import { TestFolder } from "../programs/loss_fixture.ts";

/** Asserts that values are the first integers, at most `length`. */
function assertPrefix(values: readonly unknown[], length: number): void {
  assertLessOrEqual(values.length, length);
  assertEquals(values, naturals().take(values.length).toArray());
}

/** Asserts that a stream failed because its worker was lost once. */
function assertLost(error: unknown): void {
  assertInstanceOf(error, WorkerLostError);
  assertEquals(error.tries, 1);
}

/** Tests of workers that are killed or end themselves. */
function testKilledWorkers(test: Test): void {
  test("throws a WorkerLostError after the values of a killed worker", async (pool) => {
    const stream = pool.stream(tasks.countThenHang, 1_000);
    const reader = stream.getReader();
    const { value: pid } = await reader.read();
    for (let x = 0; x < 500; x++) assertEquals((await reader.read()).value, x);
    Deno.kill(pid!, "SIGKILL");
    reader.releaseLock();
    const { values, error } = await readUntilError(stream);
    assertLost(error);
    assertLessOrEqual(values.length, 500);
    assertEquals(values, naturals().drop(500).take(values.length).toArray());
    assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
  });

  test("throws a WorkerLostError when a reader that stopped reads on", async (pool) => {
    const stream = pool.stream(tasks.countForever);
    const reader = stream.getReader();
    assertEquals((await reader.read()).value, 0);
    const [pid] = await pool.runOnAll(tasks.counted)
      .then(() => pool.runOnAll(tasks.pidIfCounted))
      .then((pids) => pids.filter((pid) => pid !== 0));
    Deno.kill(pid!, "SIGKILL");
    reader.releaseLock();
    const { values, error } = await readUntilError(stream);
    assertLost(error);
    assertPrefix([0, ...values], 2 * 4_096);
  });

  test("throws a WorkerLostError after values when a map's worker exits", async (pool) => {
    await using folder = new TestFolder();
    // Now all workers have the module.
    await marks(pool);
    const map = pool.map(
      tasks.exitOnce,
      [folder.file("once"), folder.file("once")],
      // The second item runs at the same time.
      [10, 99],
      [20, 20],
      { chunkSize: 1 },
    );
    const { values, error } = await readUntilError(map);
    assertLost(error);
    assertPrefix(values, 10);
  });
}

/** Tests of calls that run again. */
function testRetriedStreams(test: Test): void {
  test("runs a stream again whose worker was lost before its first value", async (pool) => {
    await using folder = new TestFolder();
    const stream = pool.with({ retries: 1 })
      .stream(tasks.exitOnce, folder.file("once"), 0, 30);
    assertEquals(await Array.fromAsync(stream), naturals().take(30).toArray());
  });

  test("runs no stream again whose values have arrived", async (pool) => {
    const stream = pool.with({ retries: 3 }).stream(tasks.countThenHang, 10);
    const reader = stream.getReader();
    const { value: pid } = await reader.read();
    for (let x = 0; x < 10; x++) assertEquals((await reader.read()).value, x);
    Deno.kill(pid!, "SIGKILL");
    reader.releaseLock();
    const { values, error } = await readUntilError(stream);
    assertLost(error);
    assertEquals(values, []);
  });

  test("runs items of a map again that have yielded nothing", async (pool) => {
    await using folder = new TestFolder();
    for (const chunkSize of [1, 3]) {
      const map = pool.with({ retries: 1 }).map(
        tasks.exitOnce,
        XS.map(() => folder.file(`once in ${chunkSize}`)),
        XS.map(() => 0),
        XS.map(() => 5),
        { chunkSize },
      );
      assertEquals(await map.toArray(), XS.flatMap(() => [0, 1, 2, 3, 4]));
    }
  });

  test("runs no call again whose argument was read", async (pool) => {
    await using folder = new TestFolder();
    const call = pool.with({ retries: 3 })
      .submit(
        tasks.exitAfterRead,
        folder.file("once"),
        ReadableStream.from(XS),
      );
    assertLost(await call.catch((error) => error));
  });

  test("runs a call again whose argument wasn't read", async (pool) => {
    await using folder = new TestFolder();
    const once = tasks.exitBeforeRead;
    const call = pool.with({ retries: 3 })
      .submit(once, folder.file("once"), ReadableStream.from(XS));
    assertEquals(await call, XS.length);
  });

  test("runs no call again that was sent messages", async (pool) => {
    await using folder = new TestFolder();
    const call = pool.with({ retries: 3 })
      .submit(tasks.exitAfterMessage, folder.file("once"));
    await call.postMessage("go");
    assertLost(await call.catch((error) => error));
  });
}

/** Declares these tests. */
export function testLostStreams(test: Test): void {
  const testLoss: Test = (name, body) => test(name, body, "processes");
  testKilledWorkers(testLoss);
  testRetriedStreams(testLoss);
}
