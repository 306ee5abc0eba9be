import { assertEquals, assertLessOrEqual } from "@std/assert";
import { Pool, type TaskThis } from "../../mod.ts";
import { Gate } from "../helpers/gate.ts";
import { nextTurn } from "../../src/util/next_turn.ts";

const MEGABYTE = 1_000_000;

/** A source of numbers that counts those taken from it. */
class Source {
  taken = 0;
  readonly stream: ReadableStream<number>;

  constructor(count: number) {
    this.stream = new ReadableStream<number>({
      pull: (controller) => {
        if (this.taken === count) controller.close();
        else controller.enqueue(this.taken++);
      },
    }, { highWaterMark: 0 });
  }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Waits until a pool has no calls and gets none. */
async function idle(pool: Pool): Promise<void> {
  // Each call comes behind those of the transform. Its result lets the
  // transform take more if it wants to.
  for (let turn = 0; turn < 50; turn++) {
    await pool.run(() => {});
    await nextTurn();
  }
}

Deno.test("Pool.transform() takes no more than the windows hold when nobody reads on", async () => {
  await using pool = new Pool({ workers: 1, prefetch: 0 });
  const source = new Source(1_000);
  const reader = source.stream
    .pipeThrough(pool.transform((x: number) => -x, { chunkSize: 1 }))
    .getReader();
  assertEquals(await reader.read(), { done: false, value: -0 });
  await idle(pool);
  // 1 was read. The pool holds 1 at the worker and 16 more, and 1 waits at the
  // writable side.
  assertLessOrEqual(source.taken, 19);
  for (let x = 1; x < 1_000; x++) {
    assertEquals(await reader.read(), { done: false, value: -x });
  }
  assertEquals((await reader.read()).done, true);
  assertEquals(source.taken, 1_000);
});

Deno.test("Pool.transform() holds a limited number of bytes when nobody reads on", async () => {
  await using pool = new Pool(1);
  const source = new Source(100);
  const make = (x: number) => new Uint8Array(1_000_000).fill(x);
  const reader = source.stream.pipeThrough(pool.transform(make)).getReader();
  assertEquals((await reader.read()).value?.length, MEGABYTE);
  await idle(pool);
  // 32 MiB of results wait, and 4 MiB are on the way, in chunks of up to 1 MiB.
  assertLessOrEqual(source.taken, 42);
  for (let x = 1; x < 100; x++) {
    assertEquals((await reader.read()).value?.[0], x);
  }
  assertEquals((await reader.read()).done, true);
});

Deno.test("Pool.transform() takes nothing before the first read", async () => {
  await using pool = new Pool(1);
  const source = new Source(10);
  const results = source.stream.pipeThrough(pool.transform((x: number) => x));
  await idle(pool);
  assertLessOrEqual(source.taken, 1);
  assertEquals(await Array.fromAsync(results), numbers(10));
});

Deno.test("Pool.transform() starts at once if its readable side has room", async () => {
  await using pool = new Pool(1);
  await using gate = new Gate();
  const task = async (port: number) => {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return port;
  };
  const { readable, writable } = pool.transform(task, {
    readableStrategy: new CountQueuingStrategy({ highWaterMark: 1 }),
  });
  const writer = writable.getWriter();
  writer.write(gate.port);
  await gate.entered();
  const reader = readable.getReader();
  assertEquals(await reader.read(), { done: false, value: gate.port });
  await reader.cancel();
});

Deno.test("Pool.transform() has the queue of 'writableStrategy'", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const { writable } = pool.transform((text: string) => text, {
    writableStrategy: { highWaterMark: 10, size: (text) => text.length },
  });
  const writer = writable.getWriter();
  writer.write("four").catch(() => {});
  assertEquals(writer.desiredSize, 6);
  await writer.abort();
});

for (const chunkSize of ["auto", 1, 7] as const) {
  Deno.test(`Pool.transform() keeps the order of many values, chunkSize: ${chunkSize}`, async () => {
    await using pool = new Pool(2);
    const values = numbers(20_000);
    const results = ReadableStream.from(values)
      .pipeThrough(pool.transform((x: number) => x, { chunkSize }));
    assertEquals(await Array.fromAsync(results), values);
  });
}

Deno.test("Pool.transform() yields results as they arrive with 'ordered: false'", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, prefetch: 0 });
  const task = async (port: number) => {
    if (port === 0) return port;
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(1)).catch(() => {});
    return port;
  };
  const { readable, writable } = pool.transform(task, {
    ordered: false,
    chunkSize: 1,
  });
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const first = reader.read();
  writer.write(gate.port);
  await gate.entered();
  writer.write(0);
  assertEquals(await first, { done: false, value: 0 });
  gate.open();
  assertEquals(await reader.read(), { done: false, value: gate.port });
  writer.close();
  assertEquals((await reader.read()).done, true);
});

Deno.test("Pool.transform() sends an incomplete chunk when no more values are written", async () => {
  await using pool = new Pool(1);
  const { readable, writable } = pool.transform((x: number) => x + 1);
  const reader = readable.getReader();
  const writer = writable.getWriter();
  // Each value depends on the result before.
  for (let value = 0; value < 100;) {
    writer.write(value);
    value = (await reader.read()).value!;
  }
  writer.close();
  assertEquals((await reader.read()).done, true);
});

Deno.test("Pool.transform() can follow another transform of the same pool", async () => {
  await using pool = new Pool(1);
  const results = ReadableStream.from(numbers(5_000))
    .pipeThrough(pool.transform((x: number) => x + 1))
    .pipeThrough(pool.transform((x: number) => x * 2));
  assertEquals(
    await Array.fromAsync(results),
    numbers(5_000).map((x) => (x + 1) * 2),
  );
});

Deno.test("Pool.transform() calls a task with lists of arguments with 'spread'", async () => {
  await using pool = new Pool(1);
  const powers = ReadableStream.from([[2, 5], [3, 2]] as [number, number][])
    .pipeThrough(pool.transform((x: number, y: number) => x ** y, {
      spread: true,
    }));
  assertEquals(await Array.fromAsync(powers), [32, 9]);
});

Deno.test("Pool.transform() yields the values of generators in order", async () => {
  await using pool = new Pool(2);
  const results = ReadableStream.from(numbers(100)).pipeThrough(
    pool.transform(function* (x: number) {
      for (let y = 0; y < 100; y++) yield x * 100 + y;
    }),
  );
  assertEquals(await Array.fromAsync(results), numbers(10_000));
});

Deno.test("Pool.transform() takes limited numbers of a generator's values when nobody reads on", async () => {
  await using pool = new Pool(1);
  await using gate = new Gate();
  const { readable, writable } = pool.transform(function* (port: number) {
    try {
      for (let x = 0;; x++) yield x;
    } finally {
      Deno.connect({ hostname: "127.0.0.1", port }).then((c) => c.close());
    }
  });
  const writer = writable.getWriter();
  writer.write(gate.port);
  const reader = readable.getReader();
  for (let x = 0; x < 10_000; x++) {
    assertEquals(await reader.read(), { done: false, value: x });
  }
  // The generator waits for its reader, so the only worker is free.
  await pool.run(() => {});
  await reader.cancel();
  await gate.entered();
});

Deno.test("Pool.transform() passes messages of its tasks on", async () => {
  await using pool = new Pool(1);
  const messages: unknown[] = [];
  const runner = pool.with({ onMessage: (message) => messages.push(message) });
  const results = ReadableStream.from([1, 2]).pipeThrough(
    runner.transform(async function (this: TaskThis, x: number) {
      await this.port.postMessage(x);
      return x;
    }),
  );
  assertEquals(await Array.fromAsync(results), [1, 2]);
  assertEquals(messages, [1, 2]);
});

Deno.test("Pool.transform() runs at the host of with()", async () => {
  await using pool = new Pool(1);
  const results = ReadableStream.from([1])
    .pipeThrough(pool.with({ host: "local" }).transform((x: number) => x));
  assertEquals(await Array.fromAsync(results), [1]);
});

Deno.test("Pool doesn't warn about or wait for a transform that nobody reads", async () => {
  const program = new URL("../programs/transform_unread.ts", import.meta.url);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", program.href],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  assertEquals(decoder.decode(stdout), "ready\n");
  assertEquals(code, 0);
});

Deno.test("Pool.shutdown() doesn't wait for a transform that nobody reads", async () => {
  const pool = new Pool(1);
  const { writable } = pool.transform((x: number) => x);
  writable.getWriter().write(1);
  await pool.ready;
  await pool.shutdown();
});
