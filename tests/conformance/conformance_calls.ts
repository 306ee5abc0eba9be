/**
 * Conformance tests of single calls.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { bind } from "../../mod.ts";
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
import { Gate, passGate } from "../helpers/gate.ts";

/** Tests of what can be run. */
function testTasks(test: Test): void {
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
}

/** Tests of futures. */
function testSubmit(test: Test, testWith: TestWith): void {
  test("submits a task", async (pool) => {
    const future = pool.submit(combine, 10, 9, 8);
    assertEquals(await future, combine(10, 9, 8));
    assert(future.done());
    assert(!future.running());
    assert(!future.cancelled());
    assert(!future.cancel());
  });

  testWith(
    "cancels queued and running tasks",
    { workers: 1, prefetch: 0 },
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
}

/** Tests of calls to all workers. */
function testRounds(test: Test): void {
  test("runs a task on all workers while a map runs", async (pool) => {
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

  test("runs on all workers after earlier and before later calls", async (pool) => {
    const append = (mark: string) => {
      const global = globalThis as { letters?: string[] };
      (global.letters ??= []).push(mark);
      return global.letters.join("");
    };
    const before = XS.map(() => pool.run(append, "a"));
    const round = pool.runOnAll(append, "b");
    const after = XS.map(() => pool.run(append, "c"));
    await Promise.all([...before, ...after]);
    for (const marks of await round) assert(/^a*b$/.test(marks), marks);
    const taken = await pool.runOnAll(() => {
      const global = globalThis as { letters?: string[] };
      const { letters = [] } = global;
      delete global.letters;
      return letters.join("");
    });
    for (const letters of taken) assert(/^a*bc*$/.test(letters), letters);
  });
}

/** Tests of values. */
function testValues(test: Test): void {
  test("sends blobs, keys and sparse arrays both ways", async (pool) => {
    const key = await crypto.subtle.generateKey(
      { name: "AES-GCM", length: 256 },
      true,
      ["encrypt"],
    );
    const value = {
      file: new File(["a".repeat(2_000_000)], "name", { type: "text/plain" }),
      key,
      // deno-lint-ignore no-sparse-arrays
      array: Object.assign([1, , 3], { more: new Blob(["blob"]) }),
    };
    const { file, key: copy, array } = await pool.run(
      (x: typeof value) => x,
      value,
    );
    assertEquals([file.name, file.type, file.size], [
      "name",
      "text/plain",
      2_000_000,
    ]);
    assertEquals(await file.text(), "a".repeat(2_000_000));
    assertEquals(
      await crypto.subtle.exportKey("raw", copy),
      await crypto.subtle.exportKey("raw", key),
    );
    assertEquals(Object.keys(array), ["0", "2", "more"]);
    assertEquals(await array.more.text(), "blob");
  });

  test("sends large values both ways", async (pool) => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const big = new Uint8Array(3_000_000);
    for (let at = 0; at < big.length; at += bytes.length) big.set(bytes, at);
    const back = await pool.run((bytes: Uint8Array) => bytes.slice(1), big);
    assertEquals(back.length, big.length - 1);
    assert(back.every((byte, index) => byte === big[index + 1]));
  });

  test("keeps large results apart if a task reuses its memory", async (pool) => {
    const fill = (byte: number) => {
      const global = globalThis as { scratch?: Uint8Array<ArrayBuffer> };
      return (global.scratch ??= new Uint8Array(200_000)).fill(byte);
    };
    const results = pool.map(fill, XS, { chunkSize: 1 });
    let byte = 0;
    for await (const result of results) {
      assert(result.every((value) => value === byte), `of task ${byte}`);
      byte++;
    }
  });
}

/** Declares these tests. */
export function testCalls(test: Test, testWith: TestWith): void {
  testTasks(test);
  testSubmit(test, testWith);
  testRounds(test);
  testValues(test);
}
