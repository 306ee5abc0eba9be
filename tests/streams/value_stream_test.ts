import { assertEquals, assertRejects } from "@std/assert";
import {
  ValueStream,
  type ValueStreamEvents,
} from "../../src/streams/value_stream.ts";
import { settled } from "../helpers/fake_worker.ts";

/** Makes a stream that records its events. */
function record(
  events: Partial<ValueStreamEvents> = {},
): { stream: ValueStream; log: unknown[] } {
  const log: unknown[] = [];
  const stream = new ValueStream({
    starved: () => void log.push("starved"),
    read: (values, bytes) => void log.push([values, bytes]),
    cancelled: (reason) => void log.push(["cancelled", reason]),
    ...events,
  });
  return { stream, log };
}

Deno.test("ValueStream asks for nothing before it is read", async () => {
  const { stream, log } = record();
  stream.push([1, 2], 20);
  await settled();
  assertEquals(log, []);
  const reader = stream.readable.getReader();
  assertEquals((await reader.read()).value, 1);
  assertEquals(log, [[2, 20]]);
  assertEquals((await reader.read()).value, 2);
  const waiting = reader.read();
  await settled();
  assertEquals(log, [[2, 20], "starved"]);
  stream.push([3], 1);
  assertEquals((await waiting).value, 3);
});

Deno.test("ValueStream ends after its last value, read or unread", async () => {
  for (const isEarly of [true, false]) {
    const { stream } = record();
    stream.push([1], 1);
    stream.push([2], 1);
    if (isEarly) stream.end();
    const reader = stream.readable.getReader();
    assertEquals((await reader.read()).value, 1);
    assertEquals((await reader.read()).value, 2);
    const last = reader.read();
    if (!isEarly) stream.end();
    assertEquals((await last).done, true);
  }
  const { stream } = record();
  stream.end();
  assertEquals(await Array.fromAsync(stream.readable), []);
});

Deno.test("ValueStream fails after its last value, read or unread", async () => {
  for (const isEarly of [true, false]) {
    const { stream } = record();
    stream.push([1, 2, 3], 1);
    if (isEarly) stream.fail(new RangeError("on purpose"));
    const reader = stream.readable.getReader();
    for (const expected of [1, 2, 3]) {
      assertEquals((await reader.read()).value, expected);
    }
    const last = reader.read();
    if (!isEarly) stream.fail(new RangeError("on purpose"));
    await assertRejects(() => last, RangeError);
    await assertRejects(() => reader.read(), RangeError);
  }
});

Deno.test("ValueStream fails with undefined, too", async () => {
  const { stream } = record();
  stream.push([1], 1);
  stream.fail(undefined);
  const reader = stream.readable.getReader();
  assertEquals((await reader.read()).value, 1);
  const failure = await reader.read().then(
    () => "no failure",
    (error) => error,
  );
  assertEquals(failure, undefined);
});

Deno.test("ValueStream.abort() drops the values that weren't read", async () => {
  const { stream, log } = record();
  stream.push([1, 2, 3], 1);
  const reader = stream.readable.getReader();
  await reader.read();
  stream.abort(new RangeError("at once"));
  await assertRejects(() => reader.read(), RangeError);
  stream.push([4], 1);
  stream.fail(new TypeError("late"));
  stream.end();
  stream.abort(new TypeError("late"));
  await assertRejects(() => reader.read(), RangeError);
  assertEquals(log, [[3, 1]]);
});

Deno.test("ValueStream passes on that its reader has left, and waits", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const reasons: unknown[] = [];
  const { stream } = record({
    cancelled: (reason) => {
      reasons.push(reason);
      return promise;
    },
  });
  stream.push([1, 2], 1);
  let hasLeft = false;
  const left = (async () => {
    for await (const _ of stream.readable) break;
    hasLeft = true;
  })();
  await settled();
  assertEquals([hasLeft, reasons.length], [false, 1]);
  stream.push([3], 1);
  resolve();
  await left;
});
