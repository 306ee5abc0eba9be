import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Pool, PoolClosedError, WorkerLostError } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { obeyAbort, pid } from "../programs/cancel_tasks.ts";

const REASON = new RangeError("enough");

/** Returns the error of a promise. */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([promise]);
  assert(outcome.status === "rejected", "It wasn't rejected");
  return outcome.reason;
}

/** A transform whose task is running in a worker. */
interface Running {
  readonly writer: WritableStreamDefaultWriter<[number, number]>;
  readonly reader: ReadableStreamDefaultReader<string>;
  /** Aborts the signal of the transform. */
  readonly controller: AbortController;
}

const ENDS: Record<string, (running: Running) => unknown> = {
  "its readable side is cancelled": ({ reader }) => reader.cancel(REASON),
  "its writable side is aborted": ({ writer }) => writer.abort(REASON),
  "its signal is aborted": ({ controller }) => controller.abort(REASON),
};

for (const [when, end] of Object.entries(ENDS)) {
  Deno.test(`Pool.transform() cancels its tasks and keeps the worker when ${when}`, async () => {
    await using began = new Gate();
    await using ended = new Gate();
    await using pool = new Pool({ workers: 1, cancelGrace: 60_000 });
    const before = await pool.run(pid);
    const controller = new AbortController();
    const { signal } = controller;
    const options = { spread: true, signal } as const;
    const { readable, writable } = pool.transform(obeyAbort, options);
    const reader = readable.getReader();
    const writer = writable.getWriter();
    const read = reader.read();
    read.catch(() => {});
    reader.closed.catch(() => {});
    writer.closed.catch(() => {});
    writer.write([began.port, ended.port]);
    await began.entered();
    await end({ reader, writer, controller });
    await ended.entered();
    assertEquals(await pool.run(pid), before);
    assertEquals(await errorOf(writer.write([0, 0])), REASON);
  });
}

Deno.test("Pool.transform() cancels its tasks when it is aborted while its close waits for them", async () => {
  await using began = new Gate();
  await using ended = new Gate();
  await using pool = new Pool({ workers: 1, cancelGrace: 60_000 });
  const { readable, writable } = pool.transform(obeyAbort, { spread: true });
  const read = errorOf(readable.getReader().read());
  const writer = writable.getWriter();
  writer.write([began.port, ended.port]);
  const close = errorOf(writer.close());
  await began.entered();
  const abort = errorOf(writer.abort(REASON));
  await ended.entered();
  assertEquals([await abort, await close, await read], Array(3).fill(REASON));
});

Deno.test("Pool.transform() stops watching its timeout and signal when it ends", async () => {
  await using pool = new Pool(1);
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners--;
    Reflect.apply(removeEventListener, signal, args);
  };
  const options = { timeout: 60_000, signal };
  const task = (x: number) => x;
  const whole = ReadableStream.from([1, 2]);
  await Array.fromAsync(whole.pipeThrough(pool.transform(task, options)));
  assertEquals(listeners, 0);
  const left = ReadableStream.from([1, 2]);
  for await (const _ of left.pipeThrough(pool.transform(task, options))) break;
  assertEquals(listeners, 0);
  const failed = ReadableStream.from([-1]);
  await errorOf(
    Array.fromAsync(failed.pipeThrough(pool.transform(positive, options))),
  );
  assertEquals(listeners, 0);
});

Deno.test("Pool.transform() makes both sides fail when its signal is aborted", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const controller = new AbortController();
  const { signal } = controller;
  const { readable, writable } = pool.transform((x: number) => x, { signal });
  const write = errorOf(writable.getWriter().write(1));
  controller.abort(REASON);
  assertEquals(await errorOf(readable.getReader().read()), REASON);
  assertEquals(await write, REASON);
});

Deno.test("Pool.transform() fails if its signal or that of with() is aborted before", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const signal = AbortSignal.abort(REASON);
  const task = (x: number) => x;
  for (
    const { readable, writable } of [
      pool.transform(task, { signal }),
      pool.with({ signal }).transform(task),
    ]
  ) {
    assertEquals(await errorOf(readable.getReader().read()), REASON);
    assertEquals(await errorOf(writable.getWriter().write(1)), REASON);
  }
});

for (const by of ["transform()", "with()"]) {
  Deno.test(`Pool.transform() makes both sides fail at the timeout of ${by}`, async () => {
    await using pool = new Pool(1);
    const timeout = 100;
    const { readable, writable } = by === "with()"
      ? pool.with({ timeout }).transform((x: number) => x)
      : pool.transform((x: number) => x, { timeout });
    const writer = writable.getWriter();
    const error = await errorOf(readable.getReader().read());
    assert(error instanceof DOMException);
    assertEquals(error.name, "TimeoutError");
    assertEquals(
      error.message,
      "The transform took longer than its timeout of 100 ms",
    );
    assertEquals(await errorOf(writer.write(1)), error);
  });
}

const positive = (x: number) => {
  if (x < 0) throw new RangeError(`${x} is negative`);
  return x;
};

for (const highWaterMark of [0, 2, 100]) {
  Deno.test(`Pool.transform() yields the results before the error of its task, highWaterMark: ${highWaterMark}`, async () => {
    await using pool = new Pool(1);
    const transform = pool.transform(positive, {
      readableStrategy: { highWaterMark },
    });
    const cancelled = Promise.withResolvers<unknown>();
    const items = [1, 2, 3, -4];
    const source = new ReadableStream<number>({
      pull: (controller) => {
        controller.enqueue(items.shift() ?? 5);
      },
      cancel: (reason) => cancelled.resolve(reason),
    });
    const results: number[] = [];
    const error = await errorOf((async () => {
      for await (const result of source.pipeThrough(transform)) {
        results.push(result);
      }
    })());
    assertEquals(results, [1, 2, 3]);
    assert(error instanceof RangeError);
    assertEquals(error.message, "-4 is negative");
    assertEquals(await cancelled.promise, error);
  });
}

Deno.test("Pool.transform() yields the values of a generator before its error", async () => {
  await using pool = new Pool(1);
  const { readable, writable } = pool.transform(function* (x: number) {
    yield x;
    yield x + 1;
    throw new RangeError("no more");
  });
  const writer = writable.getWriter();
  writer.write(1);
  const reader = readable.getReader();
  assertEquals(await reader.read(), { done: false, value: 1 });
  assertEquals(await reader.read(), { done: false, value: 2 });
  await assertRejects(() => reader.read(), RangeError, "no more");
  await assertRejects(() => writer.closed, RangeError, "no more");
});

Deno.test("Pool.transform() ends its writable side at an error although nobody reads the results before it", async () => {
  await using pool = new Pool(1);
  const { readable, writable } = pool.transform(positive, {
    readableStrategy: { highWaterMark: 100 },
  });
  const writer = writable.getWriter();
  for (const item of [1, -2]) writer.write(item);
  const error = await errorOf(writer.closed);
  const reader = readable.getReader();
  assertEquals(await reader.read(), { done: false, value: 1 });
  assertEquals(await errorOf(reader.read()), error);
});

Deno.test("Pool.transform() rejects its close when the last task throws", async () => {
  await using pool = new Pool(1);
  const { readable, writable } = pool.transform(positive);
  const writer = writable.getWriter();
  writer.write(-1);
  const close = errorOf(writer.close());
  const error = await errorOf(readable.getReader().read());
  assert(error instanceof RangeError);
  assertEquals(await close, error);
});

Deno.test("Pool.transform() fails when a worker is lost", async () => {
  await using pool = new Pool(1);
  const { readable, writable } = pool.transform((status: number) => {
    Deno.exit(status);
  });
  const read = errorOf(readable.getReader().read());
  const writer = writable.getWriter();
  writer.write(3);
  const error = await read;
  assert(error instanceof WorkerLostError);
  assertEquals(await errorOf(writer.closed), error);
});

Deno.test("Pool.transform() shows the caller in the stack of an error", async () => {
  await using pool = new Pool(1);
  function caller() {
    return pool.transform(positive);
  }
  const error = await errorOf(Array.fromAsync(
    ReadableStream.from([-1]).pipeThrough(caller()),
  ));
  assert(error instanceof Error);
  assertStringIncludes(error.stack!, "at caller ");
});

Deno.test("Pool.transform() fails at a value that can't be sent", async () => {
  await using pool = new Pool(1);
  const transform = pool.transform((x: unknown) => typeof x);
  const values = ReadableStream.from([1, () => 2]).pipeThrough(transform);
  const error = await errorOf(Array.fromAsync(values));
  assert(error instanceof DOMException);
  assertEquals(error.name, "DataCloneError");
});

Deno.test("Pool.transform() fails at a value that can't be read", async () => {
  await using pool = new Pool(1);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const { readable, writable } = pool.transform((x: object) => x);
  const read = errorOf(readable.getReader().read());
  const writer = writable.getWriter();
  writer.write(proxy);
  const error = await read;
  assert(error instanceof DOMException);
  assertEquals(error.name, "DataCloneError");
  assertEquals(await errorOf(writer.closed), error);
});

Deno.test("Pool.transform() with 'spread' fails at an item that isn't an array", async () => {
  await using pool = new Pool(1);
  const items = [[1], 2] as unknown as [number][];
  const results = ReadableStream.from(items).pipeThrough(
    pool.transform((x: number) => x, { spread: true, chunkSize: 1 }),
  );
  const reader = results.getReader();
  assertEquals(await reader.read(), { done: false, value: 1 });
  await assertRejects(() => reader.read(), TypeError, "must be an array");
});

Deno.test("Pool.transform() fails if the strategy of its readable side throws", async () => {
  await using pool = new Pool(1);
  const { readable, writable } = pool.transform((x: number) => x, {
    readableStrategy: {
      highWaterMark: 1,
      size() {
        throw REASON;
      },
    },
  });
  const writer = writable.getWriter();
  writer.write(1);
  assertEquals(await errorOf(writer.closed), REASON);
  assertEquals(await errorOf(readable.getReader().read()), REASON);
});

Deno.test("Pool.transform() yields the results of running tasks during a shutdown, then fails", async () => {
  await using gate = new Gate();
  const pool = new Pool(1);
  const { readable, writable } = pool.transform(passGate<number>, {
    spread: true,
  });
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const first = reader.read();
  writer.write([gate.port, 1]);
  await gate.entered();
  const shutdown = pool.shutdown();
  gate.open();
  assertEquals(await first, { done: false, value: 1 });
  await assertRejects(() => reader.read(), PoolClosedError);
  await assertRejects(() => writer.write([gate.port, 2]), PoolClosedError);
  await shutdown;
});

Deno.test("Pool.transform() fails when the pool is terminated", async () => {
  await using gate = new Gate();
  const pool = new Pool(1);
  const { readable, writable } = pool.transform(passGate<number>, {
    spread: true,
  });
  const read = errorOf(readable.getReader().read());
  const writer = writable.getWriter();
  writer.write([gate.port, 1]);
  await gate.entered();
  const terminated = pool.terminate();
  const error = await read;
  assert(error instanceof DOMException);
  assertEquals(error.name, "AbortError");
  assertEquals(await errorOf(writer.closed), error);
  await terminated;
});

Deno.test("Pool.transform() fails if the pool is shut down", async () => {
  const pool = new Pool({ workers: 1, lazy: true });
  await pool.shutdown();
  const { readable, writable } = pool.transform((x: number) => x);
  const read = errorOf(readable.getReader().read());
  const write = errorOf(writable.getWriter().write(1));
  const error = await read;
  assert(error instanceof PoolClosedError);
  assertEquals(await write, error);
});
