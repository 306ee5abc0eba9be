/**
 * Conformance tests of messages between tasks and their callers.
 *
 * @module
 */

import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import type { CallPort } from "../../mod.ts";
import {
  double,
  marks,
  naturals,
  streamTasks as tasks,
  type Test,
  XS,
} from "./conformance_fixture.ts";

/** Tests of messages of tasks. */
function testFromTasks(test: Test): void {
  test("delivers all messages of a task in order before its result", async (pool) => {
    for (const n of [0, 1, 5_000]) {
      const messages: unknown[] = [];
      const onMessage = (message: unknown) => void messages.push(message);
      const result = await pool.with({ onMessage }).run(tasks.report, n);
      assertEquals(result, "reported");
      assertEquals(messages, naturals().take(n).toArray());
    }
  });

  test("delivers messages to the listener of a future", async (pool) => {
    const messages: unknown[] = [];
    await pool.submit(tasks.report, 100).onMessage((x) => {
      messages.push(x);
    });
    assertEquals(messages, XS);
    assertEquals(await pool.submit(tasks.report, 5_000), "reported");
  });

  test("delivers the messages of a stream and of a map's tasks", async (pool) => {
    const messages: unknown[] = [];
    const runner = pool.with({
      onMessage: (message: unknown, port: CallPort) => {
        messages.push(message);
        if (message === 2_000) port.postMessage("enough");
      },
    });
    const values = await Array.fromAsync(runner.stream(tasks.countUntilTold));
    assertEquals(messages, values);
    assertEquals(values, naturals().take(values.length).toArray());
    messages.length = 0;
    await runner.map(tasks.report, [10, 20, 30]).toArray();
    const expected = [10, 20, 30].flatMap((n) => XS.slice(0, n));
    assertEquals(
      messages.toSorted((a, b) => Number(a) - Number(b)),
      expected.toSorted((a, b) => a - b),
    );
  });

  test("waits for a listener that returns a promise", async (pool) => {
    const count = 1_100;
    const messages: unknown[] = [];
    const { promise: delivered, resolve } = Promise.withResolvers<void>();
    let active = 0;
    const runner = pool.with({
      onMessage: async (message: unknown) => {
        assertEquals(++active, 1);
        await new Promise((resolve) => setTimeout(resolve, 0));
        active--;
        if (messages.push(message) === count) resolve();
      },
    });
    await runner.run(tasks.report, count);
    // The last ones may wait for the listener after the result.
    await delivered;
    assertEquals(messages, naturals().take(count).toArray());
  });

  test("refuses a message when the caller has read too few", async (pool) => {
    let read = 0;
    const onMessage = () => void read++;
    const sent = await pool.with({ onMessage }).run(tasks.reportFast);
    assertLess(sent, 2_000);
    assertEquals(read, sent);
  });

  test("cancels a call whose listener throws", async (pool) => {
    const runner = pool.with({
      onMessage: (message: unknown) => {
        if (message === 3) throw new RangeError("on purpose");
      },
    });
    await assertRejects(
      () => runner.run(tasks.report, Infinity),
      RangeError,
      "on purpose",
    );
    assertEquals(await pool.run(double, 1), 2);
  });
}

/** Tests of messages to tasks. */
function testToTasks(test: Test): void {
  test("delivers all messages to a task in order", async (pool) => {
    const echoed: unknown[] = [];
    const future = pool.submit(tasks.echo).onMessage((x) => {
      echoed.push(x);
    });
    for (let x = 0; x < 5_000; x++) await future.postMessage(x);
    await future.postMessage("end");
    assertEquals(await future, 5_000);
    assertEquals(echoed, naturals().take(5_000).toArray());
  });

  test("keeps messages until the task reads them", async (pool) => {
    const future = pool.submit(tasks.echo);
    const posted = XS.map((x) => future.postMessage(x));
    posted.push(future.postMessage("end"));
    await Promise.all(posted);
    assertEquals(await future, XS.length);
    await future.postMessage("too late");
  });

  test("ends a task's port when the call is cancelled", async (pool) => {
    const ready = Promise.withResolvers<void>();
    const future = pool.submit(tasks.markEndOfPort).onMessage(() => {
      ready.resolve();
    });
    await ready.promise;
    future.cancel();
    const error = await assertRejects(() => future, DOMException);
    assert(error.name === "AbortError");
    assertEquals(await marks(pool), ["port ended"]);
  });
}

/** Declares these tests. */
export function testMessages(test: Test): void {
  testFromTasks(test);
  testToTasks(test);
}
