import { assertEquals } from "@std/assert";
import { Pool } from "../../mod.ts";
import { realDelay } from "../helpers/real_timers.ts";

type Numbers = TransformStream<number, number>;

const REASON = new RangeError("enough");

/** Waits until the streams have done everything that needs no worker. */
async function settled(): Promise<void> {
  await realDelay(0);
}

/** Returns the value, or the reason in an array. */
function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((reason) => [reason]);
}

function outcomes(...promises: Promise<unknown>[]): Promise<unknown[]> {
  return Promise.all(promises.map(outcome));
}

function ends({ readable, writable }: Numbers) {
  return { reader: readable.getReader(), writer: writable.getWriter() };
}

/** A source that never ends, and the reasons why it was cancelled. */
function endless() {
  const cancelled: unknown[] = [];
  let next = 0;
  const source = new ReadableStream<number>({
    pull: (controller) => controller.enqueue(next++),
    cancel: (reason) => void cancelled.push(reason),
  });
  return { source, cancelled };
}

type Scenario = (transform: Numbers) => Promise<unknown>;

const SCENARIOS: Record<string, Scenario> = {
  "nothing is written": async (transform) => {
    const { reader, writer } = ends(transform);
    return await outcomes(writer.close(), reader.read(), reader.closed);
  },
  "nothing is written or read": async ({ writable }) => {
    return await outcomes(writable.close());
  },
  "it is closed": async (transform) => {
    const { reader, writer } = ends(transform);
    const written = outcomes(writer.write(1), writer.close(), writer.closed);
    const read = outcomes(reader.read(), reader.read(), reader.closed);
    return [await written, await read, await outcome(reader.read())];
  },
  "its readable side is cancelled before a read": async (transform) => {
    const { reader, writer } = ends(transform);
    const write = outcomes(writer.write(1), writer.write(2));
    const cancel = outcome(reader.cancel(REASON));
    const closed = await outcomes(cancel, writer.closed, reader.closed);
    return [closed, await write, await outcome(writer.write(3))];
  },
  "its readable side is cancelled after a read": async (transform) => {
    const { reader, writer } = ends(transform);
    const written = outcome(writer.write(1));
    const read = await reader.read();
    const cancel = await outcome(reader.cancel(REASON));
    return [read, await written, cancel, await outcome(writer.closed)];
  },
  "its readable side is cancelled while it is closed": async (transform) => {
    const { reader, writer } = ends(transform);
    const written = outcomes(writer.write(1), writer.close(), writer.closed);
    return [await outcome(reader.cancel(REASON)), await written];
  },
  "its writable side is aborted": async (transform) => {
    const { reader, writer } = ends(transform);
    const abort = writer.abort(REASON);
    return await outcomes(abort, writer.closed, reader.read(), reader.closed);
  },
  "its writable side is aborted without a reason": async (transform) => {
    const { reader, writer } = ends(transform);
    return await outcomes(writer.abort(), writer.closed, reader.read());
  },
  "its writable side is aborted during a read": async (transform) => {
    const { reader, writer } = ends(transform);
    const read = outcome(reader.read());
    await settled();
    return await outcomes(writer.abort(REASON), writer.closed, read);
  },
  "its writable side is aborted during a write": async (transform) => {
    const { reader, writer } = ends(transform);
    const written = outcomes(writer.write(1), writer.write(2));
    await settled();
    const aborted = outcomes(writer.abort(REASON), reader.read());
    return [await written, await aborted];
  },
  "its writable side is aborted while it is closed": async (transform) => {
    const { reader, writer } = ends(transform);
    const written = outcomes(writer.write(1), writer.close());
    await settled();
    const aborted = outcomes(writer.abort(REASON), reader.read());
    return [await written, await aborted];
  },
  "values are written to it after its end": async (transform) => {
    const { reader, writer } = ends(transform);
    const closed = outcome(writer.close());
    await reader.read();
    const late = await outcome(writer.write(1)) as [unknown];
    return [await closed, late[0] instanceof TypeError];
  },
  "it is in a pipe": async (transform) => {
    const values: number[] = [];
    await ReadableStream.from([1, 2, 3]).pipeThrough(transform)
      .pipeTo(new WritableStream({ write: (x) => void values.push(x) }));
    return values;
  },
  "the source of its pipe fails": async (transform) => {
    const source = new ReadableStream<number>({
      pull: (controller) => controller.error(REASON),
    });
    const aborted: unknown[] = [];
    const sink = new WritableStream({ abort: (e) => void aborted.push(e) });
    return [await outcome(source.pipeThrough(transform).pipeTo(sink)), aborted];
  },
  "the sink of its pipe fails": async (transform) => {
    const { source, cancelled } = endless();
    const sink = new WritableStream({
      write() {
        throw REASON;
      },
    });
    const pipe = await outcome(source.pipeThrough(transform).pipeTo(sink));
    await settled();
    return [pipe, cancelled];
  },
  "its pipe is aborted": async (transform) => {
    const { source, cancelled } = endless();
    const controller = new AbortController();
    const { signal } = controller;
    const reader = source.pipeThrough(transform, { signal }).getReader();
    const first = await reader.read();
    controller.abort(REASON);
    await settled();
    return [first, await outcome(reader.closed), cancelled];
  },
  "a loop over its pipe is left": async (transform) => {
    const { source, cancelled } = endless();
    for await (const value of source.pipeThrough(transform)) {
      if (value === 2) break;
    }
    await settled();
    return cancelled;
  },
};

for (const [when, scenario] of Object.entries(SCENARIOS)) {
  Deno.test(`Pool.transform() does the same as a TransformStream when ${when}`, async () => {
    await using pool = new Pool(1);
    const actual = await scenario(pool.transform((x: number) => x));
    assertEquals(actual, await scenario(new TransformStream()));
  });
}

Deno.test("Pool.transform() rejects a pending write when it is aborted, although nobody reads", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const { writable } = pool.transform((x: number) => x);
  const writer = writable.getWriter();
  const written = outcome(writer.write(1));
  await settled();
  assertEquals(await outcome(writer.abort(REASON)), undefined);
  assertEquals(await written, [REASON]);
});

Deno.test("Pool.transform() returns a TransformStream", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const transform: unknown = pool.transform((x: number) => x);
  assertEquals(transform instanceof TransformStream, true);
});
