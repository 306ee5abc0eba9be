import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { bind, importTasks, Pool } from "../../mod.ts";
import { withFile } from "../helpers/files.ts";
import {
  assertCounts,
  assertNoneLost,
  count,
  recorded,
  recordOf,
} from "../helpers/stream_fixture.ts";

const tasks = importTasks<typeof import("../programs/stream_tasks.ts")>(
  import.meta.resolve("../programs/stream_tasks.ts"),
);

Deno.test("stream() yields the values of every kind of iterable", async () => {
  await using pool = new Pool(2);
  const streams = {
    generator: pool.stream(count, 3),
    asyncGenerator: pool.stream(async function* (n: number) {
      for (let x = 0; x < n; x++) yield x;
    }, 3),
    stream: pool.stream(() => ReadableStream.from([0, 1, 2])),
    array: pool.stream(() => [0, 1, 2]),
    set: pool.stream(() => new Set([0, 1, 2])),
    iterator: pool.stream(() => [0, 1, 2].values()),
    typedArray: pool.stream(() => new Uint8Array([0, 1, 2])),
    iterable: pool.stream(() => ({
      *[Symbol.iterator]() {
        yield* [0, 1, 2];
      },
    })),
    asyncIterable: pool.stream(() => ({
      async *[Symbol.asyncIterator]() {
        yield* [0, 1, 2];
      },
    })),
    promise: pool.stream(() => Promise.resolve([0, 1, 2])),
    promisedStream: pool.stream(
      async () => await Promise.resolve(ReadableStream.from([0, 1, 2])),
    ),
  };
  for (const [kind, stream] of Object.entries(streams)) {
    const values: unknown[] = await Array.fromAsync(stream);
    assertEquals(values, [0, 1, 2], kind);
  }
  const entries = pool.stream(() => new Map([[0, 1]]));
  assertEquals(await Array.fromAsync(entries), [[0, 1]]);
});

Deno.test("stream() yields values of every kind, and awaits promises", async () => {
  const error = new TypeError("a value, not an error of the task");
  const values = [undefined, null, "text", { a: [1n] }, new Map([[1, 2]])];
  await using pool = new Pool(1);
  const stream = pool.stream(
    function* (values: unknown[], error: Error) {
      yield* values;
      yield Promise.resolve("resolved");
      yield error;
    },
    values,
    error,
  );
  const received: unknown[] = await Array.fromAsync(stream);
  const last = received.pop();
  assertInstanceOf(last, TypeError);
  assertEquals(last.message, error.message);
  assertEquals(received, [...values, "resolved"]);
});

Deno.test("stream() yields nothing if the task doesn't", async () => {
  await using pool = new Pool(1);
  assertEquals(await Array.fromAsync(pool.stream(() => [])), []);
  assertEquals(await Array.fromAsync(pool.stream(count, 0)), []);
  const empty = pool.stream(() => ReadableStream.from([]));
  assertEquals(await Array.fromAsync(empty), []);
});

Deno.test("stream() yields a million values in order", async () => {
  await using pool = new Pool(1);
  await assertCounts(pool.stream(count, 1_000_000), 1_000_000);
});

Deno.test("stream() yields the values of several streams of one worker", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 8 });
  const counts = Array.from({ length: 8 }, (_, index) => 9_000 + index);
  await Promise.all(counts.map((n) => assertCounts(pool.stream(count, n), n)));
});

Deno.test("stream() takes exports, bound tasks and arguments", async () => {
  await using pool = new Pool(1);
  const letters = pool.stream(tasks.letters, "abc");
  assertEquals(await Array.fromAsync(letters), ["a", "b", "c"]);
  const sumAndProduct = bind(function* (a: number, b: number) {
    yield a + b;
    yield a * b;
  }, 3);
  const values = pool.stream(sumAndProduct, 4);
  assertEquals(await Array.fromAsync(values), [7, 12]);
});

Deno.test("stream() begins before anybody reads", async () => {
  await using pool = new Pool(1);
  const stream = pool.stream(recorded, 1);
  assertEquals(await recordOf(pool), { yielded: 1, hasEnded: true });
  assertEquals(await Array.fromAsync(stream), [0]);
});

Deno.test("stream() delivers a value while the task computes the next", async () => {
  await using pool = new Pool(1);
  await withFile("0", async (path) => {
    // This task never returns to its event loop by itself. Values that take less
    // than a slice of time may be sent together.
    const steps = pool.stream(function* (path: string) {
      for (let step = 0; step < 3; step++) {
        const end = performance.now() + 5;
        while (performance.now() < end);
        while (Deno.readTextFileSync(path) !== String(step));
        yield step;
      }
    }, path);
    for await (const step of steps) {
      // The next value comes only if this one was sent.
      await Deno.writeTextFile(path, String(step + 1));
    }
  });
});

Deno.test("stream() throws what the task throws, after the values before", async () => {
  await using pool = new Pool(1);
  const failing = [
    pool.stream(function* () {
      yield 0;
      yield 1;
      throw new RangeError("on purpose");
    }),
    pool.stream(async function* () {
      yield 0;
      yield await Promise.resolve(1);
      throw new RangeError("on purpose");
    }),
    pool.stream(() => {
      let x = 0;
      return new ReadableStream<number>({
        pull(controller) {
          if (x < 2) controller.enqueue(x++);
          else controller.error(new RangeError("on purpose"));
        },
      }, { highWaterMark: 0 });
    }),
    pool.stream(function* () {
      yield 0;
      yield 1;
      yield Promise.reject(new RangeError("on purpose"));
    }),
  ];
  for (const stream of failing) {
    const values: number[] = [];
    await assertRejects(
      async () => {
        for await (const value of stream) values.push(value);
      },
      RangeError,
      "on purpose",
    );
    assertEquals(values, [0, 1]);
  }
  assertNoneLost(pool);
});

Deno.test("stream() throws errors with the stacks of both sides", async () => {
  await using pool = new Pool(1);
  const error = await Array.fromAsync(pool.stream(function* thrower() {
    yield 0;
    throw new RangeError("on purpose");
  })).catch((error: unknown) => error);
  assertInstanceOf(error, RangeError);
  assertMatch(error.stack!, /at thrower.*stream_test\.ts/);
  assert(error.stack!.split("stream_test.ts").length > 2, error.stack);
});

Deno.test("stream() throws before any value if the task doesn't begin to yield", async () => {
  await using pool = new Pool(1);
  const failing = [
    pool.stream((): number[] => {
      throw new RangeError("on purpose");
    }),
    pool.stream(async (): Promise<number[]> => {
      await Promise.resolve();
      throw new RangeError("on purpose");
    }),
    pool.stream(() => ({
      [Symbol.iterator](): Iterator<number> {
        throw new RangeError("on purpose");
      },
    })),
  ];
  for (const stream of failing) {
    await assertRejects(() => Array.fromAsync(stream), RangeError, "purpose");
  }
});

Deno.test("stream() names the task and the way out if it returns no iterable", async () => {
  await using pool = new Pool(1);
  const returned: [unknown, string][] = [
    [5, "a value of type number"],
    ["text", "a value of type string"],
    [undefined, "a value of type undefined"],
    [null, "a value of type null"],
    [{ a: 1 }, "an object that isn't iterable"],
  ];
  for (const [value, kind] of returned) {
    const error = await assertRejects(
      () =>
        Array.fromAsync(
          pool.stream(
            function theTask(value: unknown) {
              return value as number[];
            },
            value,
          ),
        ),
      TypeError,
    );
    assertStringIncludes(error.message, `'theTask' returned ${kind}`);
    assertStringIncludes(error.message, "use run() for a single result");
  }
});

Deno.test("stream() closes a task that yields an unsendable value, and names it", async () => {
  await using pool = new Pool(1);
  const stream = pool.stream(function* () {
    Object.assign(globalThis, { isClosed: false });
    try {
      yield { a: [1] };
      yield { a: [1, () => {}] } as object;
    } finally {
      Object.assign(globalThis, { isClosed: true });
    }
  });
  const values: unknown[] = [];
  await assertRejects(
    async () => {
      for await (const value of stream) values.push(value);
    },
    DOMException,
    "value.a[1] is a function",
  );
  assertEquals(values, [{ a: [1] }]);
  assert(await pool.run(() => Reflect.get(globalThis, "isClosed")));
});

Deno.test("stream() closes a task that yields a rejected promise", async () => {
  await using pool = new Pool(1);
  const stream = pool.stream(function* () {
    Object.assign(globalThis, { isClosed: false });
    try {
      yield Promise.reject(new RangeError("on purpose"));
    } finally {
      Object.assign(globalThis, { isClosed: true });
    }
  });
  await assertRejects(() => Array.fromAsync(stream), RangeError, "on purpose");
  assert(await pool.run(() => Reflect.get(globalThis, "isClosed")));
});

Deno.test("stream() yields a buffer as it was when the task yielded it", async () => {
  await using pool = new Pool(1);
  for (const size of [10, 100_000]) {
    const stream = pool.stream(function* (size: number) {
      const buffer = new Uint8Array(size);
      for (let x = 1; x <= 100; x++) {
        buffer.fill(x);
        yield buffer;
      }
    }, size);
    let x = 0;
    for await (const bytes of stream) {
      x++;
      assertEquals([bytes.length, bytes[0], bytes.at(-1)], [size, x, x]);
    }
    assertEquals(x, 100);
  }
});

Deno.test("stream() returns a stream with all methods of the platform", async () => {
  await using pool = new Pool(1);
  const [left, right] = pool.stream(count, 5_000).tee();
  await Promise.all([assertCounts(left, 5_000), assertCounts(right, 5_000)]);

  const reader = pool.stream(count, 3).getReader();
  assertEquals(await reader.read(), { done: false, value: 0 });
  const both = await Promise.all([reader.read(), reader.read()]);
  assertEquals(both.map(({ value }) => value), [1, 2]);
  assertEquals((await reader.read()).done, true);
  await reader.closed;

  const released = pool.stream(count, 3);
  const first = released.getReader();
  await first.read();
  first.releaseLock();
  assertEquals(await Array.fromAsync(released), [1, 2]);

  const bytes = pool.stream(function* () {
    yield new TextEncoder().encode("some ");
    yield new TextEncoder().encode("text");
  });
  assertEquals(await new Response(bytes).text(), "some text");

  const written: number[] = [];
  await pool.stream(count, 3)
    .pipeThrough(
      new TransformStream<number, number>({
        transform: (x, controller) => controller.enqueue(x * 2),
      }),
    )
    .pipeTo(new WritableStream({ write: (x) => void written.push(x) }));
  assertEquals(written, [0, 2, 4]);
});

Deno.test("stream() gives the task its signal each time it continues", async () => {
  await using pool = new Pool(1);
  assertEquals(await Array.fromAsync(pool.stream(tasks.signals)), [true, true]);
});

Deno.test("stream() is refused for tasks that can't be sent", async () => {
  await using pool = new Pool(1);
  await assertRejects(
    // deno-lint-ignore require-await
    async () => pool.stream(Array.prototype.values as () => Iterable<number>),
    TypeError,
  );
});

Deno.test("stream() counts in the pool's statistics", async () => {
  await using pool = new Pool(1);
  await Array.fromAsync(pool.stream(count, 3));
  await Array.fromAsync(pool.stream((): number[] => {
    throw new Error("on purpose");
  })).catch(() => {});
  const { done, failed, running } = pool.stats();
  assertEquals({ done, failed, running }, { done: 1, failed: 1, running: 0 });
});

Deno.test("run() refuses a generator, and closes a stream", async () => {
  await using pool = new Pool(1);
  const generators = [
    count,
    async function* () {
      yield 1;
    },
    () => new ReadableStream(),
    () => {
      const stream = new ReadableStream();
      stream.getReader();
      return stream;
    },
  ] as unknown as ((n: number) => number)[];
  for (const task of generators) {
    await assertRejects(
      () => pool.run(task, 1),
      TypeError,
      "call the task with stream(), or with map()",
    );
  }
  const isCancelled = await pool.run(async () => {
    await Promise.resolve();
    return Reflect.get(globalThis, "isCancelled");
  });
  assertEquals(isCancelled, undefined);
  await assertRejects(() =>
    pool.run(
      (() =>
        new ReadableStream({
          cancel: () => void Object.assign(globalThis, { isCancelled: true }),
        })) as unknown as () => number,
    )
  );
  assert(await pool.run(() => Reflect.get(globalThis, "isCancelled")));
  assertNoneLost(pool);
});
