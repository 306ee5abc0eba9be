import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { bind, Pool } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import {
  assertCounts,
  assertNoneLost,
  count,
  CountedSource,
} from "../helpers/stream_fixture.ts";

const MEBIBYTE = 2 ** 20;

/** A task: checks that a stream yields 0, 1, 2 …, and counts them. */
async function countValues(stream: ReadableStream<number>): Promise<number> {
  let next = 0;
  for await (const x of stream) {
    if (x !== next) throw new Error(`got ${x} instead of ${next}`);
    next++;
  }
  return next;
}

/** A task that reads no values. */
function ignore(_stream: ReadableStream<number>): string {
  return "ignored";
}

Deno.test("run() takes streams and async iterables of every kind", async () => {
  await using pool = new Pool(1);
  const generator = async function* () {
    yield* count(3);
  };
  const sources: AsyncIterable<number>[] = [
    new CountedSource(3).stream,
    generator(),
    { [Symbol.asyncIterator]: generator },
    pool.map((x: number) => x, [0, 1, 2]),
    pool.stream(count, 3),
    ReadableStream.from([0, 1, 2]),
  ];
  for (const source of sources) {
    assertEquals(await pool.run(countValues, source), 3);
  }
  assertEquals(await pool.submit(countValues, generator()), 3);
  const doubled = pool.stream(async function* (xs: ReadableStream<number>) {
    for await (const x of xs) yield x * 2;
  }, generator());
  assertEquals(await Array.fromAsync(doubled), [0, 2, 4]);
});

Deno.test("run() takes several streams between other arguments", async () => {
  await using pool = new Pool(1);
  const sum = await pool.run(
    async (
      a: number,
      xs: ReadableStream<number>,
      b: string,
      ys: ReadableStream<number>,
    ) => {
      const values = [await Array.fromAsync(ys), await Array.fromAsync(xs)];
      return [a, b, ...values];
    },
    1,
    ReadableStream.from([1, 2]),
    "b",
    ReadableStream.from([3]),
  );
  assertEquals(sum, [1, "b", [3], [1, 2]]);
  const bound = bind(
    async (a: number, xs: ReadableStream<number>, b: number) => [
      a,
      ...await Array.fromAsync(xs),
      b,
    ],
    0,
  );
  const values = await pool.run(bound, ReadableStream.from([1, 2]), 3);
  assertEquals(values, [0, 1, 2, 3]);
});

Deno.test("run() takes a response's body", async () => {
  await using pool = new Pool(1);
  const text = "some text ".repeat(100_000);
  const gzip = (bytes: ReadableStream<Uint8Array<ArrayBuffer>>) =>
    bytes.pipeThrough(new CompressionStream("gzip"));
  const zipped = pool.stream(gzip, new Response(text).body!);
  const unzipped = zipped.pipeThrough(new DecompressionStream("gzip"));
  assertEquals(await new Response(unzipped).text(), text);
});

Deno.test("run() delivers many small values of a stream in order", async () => {
  await using pool = new Pool(1);
  const source = new CountedSource(200_000);
  assertEquals(await pool.run(countValues, source.stream), 200_000);
});

Deno.test("run() delivers chunks as they were when the source yielded them", async () => {
  await using pool = new Pool(1);
  for (const size of [10, 100_000]) {
    const source = async function* () {
      const buffer = new Uint8Array(size);
      for (let x = 1; x <= 100; x++) {
        buffer.fill(x);
        yield buffer;
      }
    };
    const received = await pool.run(
      async (chunks: ReadableStream<Uint8Array<ArrayBuffer>>) => {
        const received: number[][] = [];
        for await (const { length, [0]: first, [length - 1]: last } of chunks) {
          received.push([length, first!, last!]);
        }
        return received;
      },
      source(),
    );
    const expected = Array.from(count(100), (x) => [size, x + 1, x + 1]);
    assertEquals(received, expected);
  }
});

Deno.test("run() takes a bounded number of values from a source ahead of the task", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const source = new CountedSource();
  const first = pool.run(
    async (port: number, xs: ReadableStream<number>) => {
      const reader = xs.getReader();
      await reader.read();
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.read(new Uint8Array(1));
      for (let read = 1; read < 20_000; read++) await reader.read();
    },
    gate.port,
    source.stream,
  );
  await gate.entered();
  await new Promise((resolve) => setTimeout(resolve, 0));
  // What the reader has taken at once, and what has credit.
  assertLessOrEqual(source.taken, 2 * 4_096);
  gate.open();
  await first;
  await source.assertClosed();
  assertLessOrEqual(source.taken, 20_000 + 2 * 4_096);
});

Deno.test("run() takes a bounded number of bytes from a source ahead of the task", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  let taken = 0;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const source = (async function* () {
    try {
      for (;; taken++) yield new Uint8Array(MEBIBYTE);
    } finally {
      resolve();
    }
  })();
  const first = pool.run(
    async (port: number, xs: ReadableStream<Uint8Array<ArrayBuffer>>) => {
      const reader = xs.getReader();
      await reader.read();
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.read(new Uint8Array(1));
    },
    gate.port,
    source,
  );
  await gate.entered();
  assertLessOrEqual(taken, 5);
  gate.open();
  await first;
  await closed;
  assertLessOrEqual(taken, 9);
});

Deno.test("run() takes nothing from a source before the task reads", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const source = new CountedSource();
  let hasBegun = false;
  const lazy = {
    [Symbol.asyncIterator](): AsyncIterator<number> {
      hasBegun = true;
      return [][Symbol.iterator]() as never;
    },
  };
  const call = pool.run(
    async (
      port: number,
      _a: ReadableStream<number>,
      _b: ReadableStream<number>,
    ) => {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.read(new Uint8Array(1));
    },
    gate.port,
    source.stream,
    lazy,
  );
  await gate.entered();
  assertEquals(source.taken, 0);
  assertFalse(hasBegun);
  gate.open();
  await call;
  await source.assertClosed();
  assertEquals(source.taken, 0);
});

Deno.test("run() passes an error of a source on to the task, after its values", async () => {
  await using pool = new Pool(1);
  const failing = async function* () {
    yield 1;
    await Promise.resolve();
    throw new RangeError("on purpose", { cause: { code: 7 } });
  };
  const received = await pool.run(async (xs: ReadableStream<number>) => {
    const values: number[] = [];
    try {
      for await (const x of xs) values.push(x);
    } catch (error) {
      return { values, error: error as Error };
    }
  }, failing());
  assertEquals(received?.values, [1]);
  assertInstanceOf(received?.error, RangeError);
  assertEquals(received.error.cause, { code: 7 });
  await assertRejects(
    () =>
      pool.run(
        countValues,
        ReadableStream.from(failing()).pipeThrough(
          new TransformStream({
            transform: (_x, controller) => controller.enqueue(0),
          }),
        ),
      ),
    RangeError,
    "on purpose",
  );
  const broken = {
    [Symbol.asyncIterator](): AsyncIterator<number> {
      throw new RangeError("on purpose");
    },
  };
  await assertRejects(() => pool.run(countValues, broken), RangeError);
  assertNoneLost(pool);
});

Deno.test("run() fails the task's stream and closes the source at an unsendable value", async () => {
  await using pool = new Pool(1);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const source = async function* () {
    try {
      yield { f: 1 as unknown };
      yield { f: () => {} };
    } finally {
      resolve();
    }
  };
  const task = async (values: ReadableStream<{ f: unknown }>) => {
    for await (const { f } of values) if (f !== 1) return f;
  };
  await assertRejects(
    () => pool.run(task, source()),
    DOMException,
    "value.f is a function",
  );
  await closed;
});

Deno.test("run() closes a source that the task leaves", async () => {
  await using pool = new Pool(1);
  const leaving: ((xs: ReadableStream<number>) => unknown)[] = [
    ignore,
    async (xs) => {
      for await (const x of xs) if (x > 5_000) return "left";
    },
    () => {
      throw new RangeError("on purpose");
    },
  ];
  for (const task of leaving) {
    const source = new CountedSource();
    await pool.run(task, source.stream).catch(() => {});
    await source.closed;
  }
  const source = new CountedSource();
  const read = await pool.run(async (xs: ReadableStream<number>) => {
    const reader = xs.getReader();
    await reader.read();
    await reader.cancel(new RangeError("enough"));
    return "cancelled";
  }, source.stream);
  assertEquals(read, "cancelled");
  const reason = await source.closed;
  assertInstanceOf(reason, RangeError);
  assertEquals(reason.message, "enough");
  assertNoneLost(pool);
});

Deno.test("run() closes a source of a call that is cancelled before it begins", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const blocking = pool.run(passGate<number>, gate.port, 1);
  await gate.entered();
  const source = new CountedSource();
  const queued = pool.submit(countValues, source.stream);
  assert(queued.cancel());
  await source.assertClosed();
  assertEquals(source.taken, 0);
  gate.open();
  await blocking;
  assertNoneLost(pool);
});

Deno.test("run() closes a source of a call that is cancelled while it reads", async () => {
  await using pool = new Pool(1);
  const source = new CountedSource();
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const stream = source.stream.pipeThrough(
    new TransformStream({
      transform(x, controller) {
        if (x === 10_000) resolve();
        controller.enqueue(x);
      },
    }),
  );
  const running = pool.submit(countValues, stream);
  await begun;
  assert(running.cancel());
  await source.assertClosed();
  assertEquals(await pool.run(() => "alive"), "alive");
  assertNoneLost(pool);
});

Deno.test("run() fails the streams of a cancelled task that waits for values", async () => {
  await using pool = new Pool(1);
  const source = async function* () {
    yield 0;
    await new Promise<never>(() => {});
  };
  const stream = pool.stream(async function* (xs: ReadableStream<number>) {
    try {
      for await (const x of xs) yield x;
    } catch (error) {
      Object.assign(globalThis, { name: (error as Error).name });
    }
  }, source());
  for await (const _ of stream) break;
  assertEquals(
    await pool.run(() => Reflect.get(globalThis, "name")),
    "AbortError",
  );
  assertNoneLost(pool);
});

Deno.test("run() refuses a locked stream, and leaves the others as they were", async () => {
  await using pool = new Pool(1);
  const task = (_a: ReadableStream, _b: ReadableStream) => {};
  const good = new CountedSource(1).stream;
  const locked = new ReadableStream();
  locked.getReader();
  for (
    const call of [
      () => pool.run(task, good, locked),
      () => pool.submit(task, good, locked),
      () =>
        pool.stream(
          task as unknown as (...args: ReadableStream[]) => [],
          good,
          locked,
        ),
    ]
  ) {
    assertThrows(
      call,
      TypeError,
      "'args[1]' is a ReadableStream that is locked",
    );
  }
  assertThrows(
    () => pool.run(task, good, good),
    TypeError,
    "'args[1]' is the same ReadableStream as 'args[0]'",
  );
  assertFalse(good.locked);
  await assertCounts(good, 1);
});

Deno.test("run() refuses streams inside of arguments and constants", async () => {
  await using pool = new Pool(1);
  const stream = new CountedSource(1).stream;
  const task = (_value: unknown) => {};
  await assertRejects(
    () => pool.run(task, { body: stream }),
    DOMException,
    "args[0].body is a ReadableStream",
  );
  await assertRejects(
    () => pool.run(task, [(async function* () {})()]),
    DOMException,
    "args[0][0] is an AsyncGenerator",
  );
  await assertRejects(
    () => pool.run(bind(ignore, stream)),
    DOMException,
    "constants[0] is a ReadableStream",
  );
  await assertRejects(
    () => pool.runOnAll(ignore, stream),
    DOMException,
    "args[0] is a ReadableStream",
  );
  assertFalse(stream.locked);
});

Deno.test("run() fails, and closes its sources, if other arguments can't be sent", async () => {
  await using pool = new Pool(1);
  const source = new CountedSource();
  await assertRejects(
    () =>
      pool.run(
        (_xs: ReadableStream<number>, _f: unknown) => {},
        source.stream,
        () => {},
      ),
    DOMException,
    "args[1] is a function",
  );
  await source.assertClosed();
});

Deno.test("run() waits behind calls for which its stream isn't needed yet", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const blocking = pool.run(passGate<number>, gate.port, 1);
  await gate.entered();
  const call = pool.run(countValues, new CountedSource(10).stream);
  gate.open();
  assertEquals([await blocking, await call], [1, 10]);
});

Deno.test("run() lets its worker end without a complaint while a source sends", async () => {
  const program = new URL("../programs/stream_source.ts", import.meta.url);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program.href],
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
});

Deno.test("run() leaves its place while the task waits for a source", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1, prefetch: 0 });
  const source = async function* () {
    for (let x = 0; x < 3; x++) yield await pool.run((x: number) => x, x);
    yield* pool.stream(function* () {
      yield 3;
      yield 4;
    });
    yield* pool.map((x: number) => x + 5, count(5));
  };
  assertEquals(await pool.run(countValues, source()), 10);
  const stream = pool.stream(async function* (xs: ReadableStream<number>) {
    for await (const x of xs) yield x;
  }, source());
  await assertCounts(stream, 10);
  const { running, done } = pool.stats();
  assertEquals([running, done], [0, 20]);
});

Deno.test("run() lets sources use the pool, of more calls than there are places", async () => {
  await using pool = new Pool({ workers: 2, concurrency: 1 });
  const counts = await Promise.all(
    Array.from(
      { length: 8 },
      () => pool.run(countValues, pool.map((x: number) => x, count(300))),
    ),
  );
  assertEquals(counts, Array(8).fill(300));
  assertEquals(pool.stats().running, 0);
});

Deno.test("run() lets a source call runOnAll()", async () => {
  await using pool = new Pool({ workers: 2, concurrency: 1 });
  const source = async function* () {
    yield (await pool.runOnAll(() => 0)).length - 2;
    yield 1;
  };
  assertEquals(await pool.run(countValues, source()), 2);
  assertEquals(await pool.runOnAll(() => 0), [0, 0]);
});

Deno.test("run() closes a source at its timeout and when its signal is aborted", async () => {
  await using pool = new Pool(1);
  await pool.ready;
  for (
    const limit of [
      { timeout: 50 },
      { signal: AbortSignal.timeout(50) },
    ]
  ) {
    const source = new CountedSource();
    const error = await assertRejects(() =>
      pool.with(limit).run(countValues, source.stream)
    );
    assertInstanceOf(error, DOMException);
    assertEquals(error.name, "TimeoutError");
    await source.assertClosed();
  }
  assertEquals(await pool.run(() => "alive"), "alive");
  assertNoneLost(pool);
});

Deno.test("run() passes on an error of a stream that is another task's", async () => {
  await using pool = new Pool(1);
  const failing = pool.stream(function* () {
    yield 0;
    throw new RangeError("inner");
  });
  const outer = pool.stream(async function* (xs: ReadableStream<number>) {
    for await (const x of xs) yield x;
  }, failing);
  const values: number[] = [];
  await assertRejects(
    async () => {
      for await (const x of outer) values.push(x);
    },
    RangeError,
    "inner",
  );
  assertEquals(values, [0]);
});
