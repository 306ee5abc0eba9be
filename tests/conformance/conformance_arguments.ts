/**
 * Conformance tests of arguments that stream.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import {
  double,
  later,
  marks,
  naturals,
  pids,
  streamTasks as tasks,
  type Test,
  XS,
} from "./conformance_fixture.ts";
import { Gate } from "../helpers/gate.ts";

/** How many bytes of a large stream have a pattern before it changes. */
const BLOCK = 64 * 1_024;

/** The size of a large stream in blocks. */
const BLOCKS = 384;

/** A source that records how it ends. */
class Source<T> implements AsyncIterable<T> {
  /** How many values were taken. */
  taken = 0;
  /** Resolves when the source is closed, or has ended. */
  readonly closed = Promise.withResolvers<void>();
  readonly #iterator: Iterator<T>;

  constructor(values: Iterable<T>) {
    this.#iterator = values[Symbol.iterator]();
  }

  // deno-lint-ignore require-await
  async next(): Promise<IteratorResult<T>> {
    const step = this.#iterator.next();
    if (step.done) this.closed.resolve();
    else this.taken++;
    return step;
  }

  // deno-lint-ignore require-await
  async return(): Promise<IteratorResult<T>> {
    this.closed.resolve();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this;
  }
}

/** Tests of what arrives. */
function testArguments(test: Test): void {
  const sum = XS.reduce((total, x) => total + x);

  test("sends async iterables and streams as arguments", async (pool) => {
    assertEquals(await pool.run(tasks.sum, ReadableStream.from(XS)), sum);
    assertEquals(await pool.run(tasks.sum, later(XS)), sum);
    assertEquals(await pool.submit(tasks.sum, new Source(XS)), sum);
    assertEquals(await pool.run(tasks.sum, new Source([])), 0);
  });

  test("sends several streams among other arguments", async (pool) => {
    const pairs = pool.stream(
      tasks.zip,
      new Source(XS),
      "-",
      ReadableStream.from(XS),
    );
    assertEquals(await Array.fromAsync(pairs), XS.map((x) => `${x}-${x}`));
  });

  test("sends many values in order", async (pool) => {
    const values = pool.stream(
      tasks.doubles,
      new Source(naturals().take(50_000)),
    );
    let next = 0;
    for await (const value of values) {
      if (value !== 2 * next) assertEquals(value, 2 * next);
      next++;
    }
    assertEquals(next, 50_000);
  });

  test("sends a stream through two tasks at the same time", async (pool) => {
    const first = pool.stream(
      tasks.doubles,
      new Source(naturals().take(20_000)),
    );
    const second = pool.stream(tasks.doubles, first);
    assertEquals(
      await Array.fromAsync(second),
      naturals().take(20_000).map((x) => 4 * x).toArray(),
    );
  });

  test("compresses a large stream in a task", async (pool) => {
    const source = new Source(blocks());
    const compressed = pool.stream(tasks.gzip, ReadableStream.from(source));
    let bytes = 0;
    const restored = compressed.pipeThrough(new DecompressionStream("gzip"));
    for await (const part of restored) {
      for (let at = 0; at < part.length; at += 997) {
        const position = bytes + at;
        const expected = byteAt(Math.floor(position / BLOCK), position % BLOCK);
        if (part[at] !== expected) assertEquals(part[at], expected);
      }
      bytes += part.length;
    }
    assertEquals(bytes, BLOCKS * BLOCK);
    await source.closed.promise;
  });
}

/** Returns a byte of a block: no two blocks are equal. */
function byteAt(block: number, at: number): number {
  return (block * 31 + at * (block % 7 + 1)) & 255;
}

/** Generates the blocks of a large stream; they share memory. */
function* blocks(): Generator<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(BLOCK);
  for (let block = 0; block < BLOCKS; block++) {
    for (let at = 0; at < BLOCK; at++) bytes[at] = byteAt(block, at);
    yield bytes;
  }
}

/** Tests of how fast sources are read. */
export function testArgumentBackPressure(test: Test): void {
  test("takes nothing from an argument before the task reads it", async (pool) => {
    await using gate = new Gate();
    const source = new Source(XS);
    const length = pool.run(tasks.waitAndCount, gate.port, source);
    await gate.entered();
    assertEquals(source.taken, 0);
    gate.open();
    assertEquals(await length, XS.length);
  });

  test("takes no more from an argument than the task's credit", async (pool) => {
    await using gate = new Gate();
    const source = new Source(
      naturals().map(() => new Uint8Array(2 ** 19)).take(60),
    );
    const length = pool.run(tasks.readWaitAndCount, gate.port, source);
    await gate.entered();
    // The task has read one of these values, and has credit for 1 MiB.
    assertLessOrEqual(source.taken, 2 + 2);
    gate.open();
    assertEquals(await length, 60);
    assertEquals(source.taken, 60);
  });
}

/** Tests of sources that end early. */
function testArgumentEnds(test: Test): void {
  test("closes an argument that the task doesn't read", async (pool) => {
    const source = new Source(naturals());
    assertEquals(await pool.run(tasks.ignore, source), "ignored");
    await source.closed.promise;
    assertEquals(source.taken, 0);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const stream = new ReadableStream<number>({ cancel: resolve });
    assertEquals(await pool.run(tasks.ignore, stream), "ignored");
    const reason = await promise;
    assert(reason instanceof DOMException && reason.name === "AbortError");
  });

  test("closes an argument that the task doesn't read on", async (pool) => {
    const source = new Source(naturals());
    assertEquals(await pool.run(tasks.takeFirst, source), 0);
    await source.closed.promise;
  });

  test("closes an argument that the task cancels, with its reason", async (pool) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const stream = new ReadableStream<number>({
      pull: (controller) => controller.enqueue(1),
      cancel: resolve,
    });
    const ended = pool.run(tasks.cancelAndWait, stream);
    assertEquals(await promise, { because: "enough" });
    assertEquals(await ended, "cancelled");
  });

  test("closes arguments when a stream is left", async (pool) => {
    const before = await pids(pool);
    const source = new Source(naturals());
    for await (const value of pool.stream(tasks.doubles, source)) {
      if (value === 2_000) break;
    }
    await source.closed.promise;
    assertEquals(await pids(pool), before, "a worker was replaced");
  });

  test("closes arguments when a call is cancelled or times out", async (pool) => {
    // Now all workers have the module.
    await marks(pool);
    const first = new Source(naturals());
    const future = pool.submit(tasks.sum, first);
    const second = new Source(naturals());
    const slow = pool.with({ timeout: 100 }).run(tasks.sum, second);
    await assertRejects(() => slow, DOMException, "100 ms");
    await second.closed.promise;
    future.cancel();
    await assertRejects(() => future, DOMException);
    await first.closed.promise;
    assertEquals(await pool.run(double, 1), 2);
  });

  test("closes arguments when their worker is killed", async (pool) => {
    const source = new Source(naturals());
    const reader = pool.stream(tasks.pidAndDoubles, source).getReader();
    Deno.kill((await reader.read()).value!, "SIGKILL");
    await assertRejects(async () => {
      while (!(await reader.read()).done);
    });
    await source.closed.promise;
  }, "processes");

  test("closes arguments of calls that aren't made", async (pool) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const signal = AbortSignal.abort("too late");
    const stream = new ReadableStream<number>({ cancel: resolve });
    const call = pool.with({ signal }).run(tasks.sum, stream);
    assertEquals(await call.catch((error) => error), "too late");
    await promise;
  });

  test("passes the error of an argument to the task", async (pool) => {
    async function* failing() {
      yield* [1, 2];
      throw new URIError("the source failed");
    }
    const error = await pool.run(tasks.sum, failing()).catch((error) => error);
    assertInstanceOf(error, URIError);
    assertEquals(error.message, "the source failed");
    assertEquals(await pool.run(tasks.sumUntilError, failing()), 3);
  });

  test("passes the error of a value that can't be sent to the task", async (pool) => {
    const source = new Source<unknown>([1, 2, () => 3, 4]);
    const sum = pool.run(tasks.sumUntilError, source as Source<number>);
    assertEquals(await sum, 3);
    await source.closed.promise;
  });
}

/** Declares these tests. */
export function testArgumentStreams(test: Test): void {
  testArguments(test);
  testArgumentBackPressure(test);
  testArgumentEnds(test);
}
