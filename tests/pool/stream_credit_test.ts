import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import { Pool, type TaskThis } from "../../mod.ts";
import {
  assertCounts,
  assertNoneLost,
  count,
  recorded,
  recordOf,
} from "../helpers/stream_fixture.ts";

const MEBIBYTE = 2 ** 20;

/** A task: yields as many values of `size` bytes as somebody takes. */
function* blocks(size: number): Generator<Uint8Array<ArrayBuffer>> {
  const record = { yielded: 0 };
  Object.assign(globalThis, { record });
  for (;;) {
    record.yielded++;
    yield new Uint8Array(size);
  }
}

/** Waits for the only place of the worker, and returns how far the task got. */
async function paused(pool: Pool): Promise<number> {
  return (await recordOf(pool)).yielded;
}

Deno.test("stream() gets a bounded number of values ahead of its reader", async () => {
  await using pool = new Pool(1);
  const stream = pool.stream(recorded, 1_000_000);
  assertEquals(await paused(pool), 4_096);
  const reader = stream.getReader();
  assertEquals((await reader.read()).value, 0);
  reader.releaseLock();
  assertLess(await paused(pool), 10_000);
  await stream.cancel();
  assertEquals((await recordOf(pool)).hasEnded, true);
});

Deno.test("stream() gets a bounded number of bytes ahead of its reader", async () => {
  await using pool = new Pool(1);
  for (const size of [100_000, MEBIBYTE, 3 * MEBIBYTE]) {
    const stream = pool.stream(blocks, size);
    const first = await paused(pool);
    assertGreater(first, 0);
    assertLessOrEqual((first - 1) * size, 4 * MEBIBYTE);
    const reader = stream.getReader();
    for (let index = 0; index < 20; index++) await reader.read();
    reader.releaseLock();
    assertLessOrEqual((await paused(pool) - 20 - 1) * size, 12 * MEBIBYTE);
    await stream.cancel();
  }
});

Deno.test("stream() yields a value that alone exceeds the limit of bytes", async () => {
  await using pool = new Pool(1);
  const stream = pool.stream(function* (size: number) {
    for (let x = 0; x < 3; x++) yield new Uint8Array(size).fill(x);
  }, 10 * MEBIBYTE);
  let x = 0;
  for await (const { length, [length - 1]: last } of stream) {
    assertEquals([length, last], [10 * MEBIBYTE, x++]);
  }
  assertEquals(x, 3);
});

Deno.test("stream() counts the bytes of values like the worker", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2 });
  // Sizes around the one from which values aren't copied, in changing frames.
  const sizes = Array.from({ length: 3_000 }, (_, x) => (x * 7_919) % 66_000);
  const task = function* (sizes: number[]) {
    for (const size of sizes) {
      yield new Uint8Array(size);
      if (size % 5 === 0) {
        yield [new Uint8Array(size), "text", new Uint8Array(9)];
      }
    }
  };
  const read = async () => {
    let bytes = 0;
    for await (const value of pool.stream(task, sizes)) {
      bytes += value instanceof Uint8Array ? value.length : 0;
    }
    return bytes;
  };
  const all = sizes.reduce((sum, size) => sum + size, 0);
  assertEquals(await Promise.all([read(), read()]), [all, all]);
  assertNoneLost(pool);
});

Deno.test("stream() leaves the only place of the only worker to calls for its values", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1, prefetch: 0 });
  let sum = 0;
  for await (const x of pool.stream(count, 10_000)) {
    if (x % 1_000 === 0) sum += await pool.run((x: number) => x, x);
  }
  assertEquals(sum, 45_000);
});

Deno.test("stream() leaves its place to streams, maps and runOnAll()", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1, prefetch: 0 });
  let inner = 0;
  for await (const x of pool.stream(count, 10_000)) {
    if (x % 2_500 !== 0) continue;
    await assertCounts(pool.stream(count, 9_000), 9_000);
    await assertCounts(pool.map((x: number) => x, count(100)), 100);
    await assertCounts(pool.map(count, [5_000]), 5_000);
    assertEquals(await pool.runOnAll(() => "all"), ["all"]);
    inner++;
  }
  assertEquals(inner, 4);
});

Deno.test("stream() takes another stream of the same single worker", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1 });
  const twice = async function* (numbers: ReadableStream<number>) {
    for await (const x of numbers) yield x * 2;
  };
  const half = async function* (numbers: ReadableStream<number>) {
    for await (const x of numbers) yield x / 2;
  };
  const stream = pool.stream(
    half,
    pool.stream(twice, pool.stream(count, 20_000)),
  );
  await assertCounts(stream, 20_000);
});

Deno.test("stream() resumes many streams that wait for their readers", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1 });
  const streams = Array.from({ length: 20 }, () => pool.stream(count, 9_000));
  for (const stream of streams) await assertCounts(stream, 9_000);
  const [left, right] = [pool.stream(count, 9_000), pool.stream(count, 9_000)];
  const readers = [left.getReader(), right.getReader()];
  for (let x = 0; x < 9_000; x++) {
    const both = await Promise.all(readers.map((reader) => reader.read()));
    assert(both.every(({ value }) => value === x));
  }
});

Deno.test("stream() isn't counted as running while it waits for its reader", async () => {
  await using pool = new Pool(1);
  const stream = pool.stream(count, 5_000);
  await pool.run(() => {});
  const { done, queued, running } = pool.stats();
  assertEquals([done, queued, running], [1, 0, 0]);
  await assertCounts(stream, 5_000);
  assertEquals(pool.stats().done, 2);
});

Deno.test("stream() gives a task its credit while other tasks are running", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1 });
  const stream = pool.stream(count, 9_000);
  // This task takes the place of the stream, and ends when that was read.
  const waiting = pool.submit(async function (this: TaskThis) {
    return (await this.port.next()).value;
  });
  await assertCounts(stream, 9_000);
  await waiting.postMessage("read");
  assertEquals(await waiting, "read");
});
