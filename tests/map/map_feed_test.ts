import { assertEquals, assertFalse } from "@std/assert";
import { ChunkSize } from "../../src/map/chunk_size.ts";
import { type AnyIterable, Items } from "../../src/map/items.ts";
import { MapFeed } from "../../src/map/map_feed.ts";
import { nextTurn } from "../../src/util/next_turn.ts";

const MEBIBYTE = 2 ** 20;

/** A feed, and the chunks that it submitted. */
class Bench {
  /** The submitted chunks that weren't taken; `"end"` marks the end. */
  given: unknown[] = [];
  /** How many more chunks are wanted. */
  wanted = 0;
  /** Which share of the items that are left a chunk may have. */
  share = 1;
  readonly feed: MapFeed;

  constructor(items: AnyIterable<unknown>, chunkSize: number | "auto") {
    const size = new ChunkSize(chunkSize);
    // After this, chunks of automatic size have up to 8 items.
    for (let items = 1; items < 8; items *= 2) size.measured(items, 1, items);
    this.feed = new MapFeed(new Items([items]), size, {
      wants: () => this.wanted > 0,
      needsFirst: () => false,
      most: (left) => Math.ceil(left * this.share),
      submit: (items) => {
        this.wanted--;
        this.given.push(items);
      },
      end: (_part, error) => this.given.push(error?.reason ?? "end"),
    });
  }

  /** Requests chunks, and takes those submitted by the end of the next turn. */
  async fill(wanted: number): Promise<unknown[]> {
    this.wanted = wanted;
    this.feed.fill();
    return await this.take();
  }

  /** Takes the chunks submitted by the end of the next turn. */
  async take(): Promise<unknown[]> {
    // Items wait at most one turn.
    await nextTurn();
    await nextTurn();
    return this.given.splice(0);
  }
}

/** An async source whose items the test provides. */
class Source implements AsyncIterableIterator<unknown> {
  asked = 0;
  closed = 0;
  readonly #answers: PromiseWithResolvers<IteratorResult<unknown>>[] = [];
  #answered = 0;

  next(): Promise<IteratorResult<unknown>> {
    return this.#answer(this.asked++).promise;
  }

  return(): Promise<IteratorResult<unknown>> {
    this.closed++;
    return Promise.resolve({ done: true, value: undefined });
  }

  give(...values: unknown[]): void {
    for (const value of values) {
      this.#answer(this.#answered++).resolve({ done: false, value });
    }
  }

  end(): void {
    this.#answer(this.#answered++).resolve({ done: true, value: undefined });
  }

  fail(reason: unknown): void {
    this.#answer(this.#answered++).reject(reason);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #answer(index: number): PromiseWithResolvers<IteratorResult<unknown>> {
    return this.#answers[index] ??= Promise.withResolvers();
  }
}

/** Yields 1, 2, … */
function count(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index + 1);
}

async function* later(items: unknown[]): AsyncGenerator<unknown> {
  yield* items;
}

for (const kind of ["sync", "async"]) {
  const make = kind === "sync" ? (items: unknown[]) => items : later;

  Deno.test(`MapFeed submits as many chunks of ${kind} items as are wanted`, async () => {
    const bench = new Bench(make(count(7)), 3);
    assertEquals(await bench.fill(1), [[1, 2, 3]]);
    assertEquals(await bench.take(), []);
    assertFalse(bench.feed.ended);
    assertEquals(await bench.fill(5), [[4, 5, 6], [7], "end"]);
    assertEquals(await bench.fill(5), []);
  });

  Deno.test(`MapFeed makes full chunks of available ${kind} items`, async () => {
    const bench = new Bench(make(count(10)), "auto");
    assertEquals(await bench.fill(5), [count(8), [9, 10], "end"]);
  });

  Deno.test(`MapFeed makes smaller chunks of large ${kind} items`, async () => {
    const large = new Uint8Array(3 * MEBIBYTE);
    const bench = new Bench(make([1, large, large, large, 2]), 5);
    const expected = [[1, large, large], [large, 2], "end"];
    assertEquals(await bench.fill(5), expected);
  });
}

Deno.test("MapFeed makes smaller chunks of the last items of arrays", async () => {
  const bench = new Bench(count(20), "auto");
  bench.share = 1 / 4;
  const submitted = await bench.fill(20) as unknown[][];
  assertEquals(
    submitted.map(({ length }) => length),
    [5, 4, 3, 2, 2, 1, 1, 1, 1, "end".length],
  );
  assertEquals(submitted.slice(0, -1).flat(), count(20));
});

Deno.test("MapFeed makes smaller chunks of the last items of parts", async () => {
  const bench = new Bench(count(20), "auto");
  bench.share = 1 / 4;
  bench.feed.divide(20, 5);
  const submitted = await bench.fill(20) as unknown[][];
  assertEquals(
    submitted.slice(0, 4),
    [[1, 2, 3, 4, 5], [7, 8, 9, 10], [11, 12, 13], [19, 20]],
  );
  assertEquals(
    submitted.slice(0, -1).flat().toSorted((a, b) => Number(a) - Number(b)),
    count(20),
  );
});

Deno.test("MapFeed makes fixed chunks of the last items, too", async () => {
  const bench = new Bench(count(10), 8);
  bench.share = 1 / 4;
  assertEquals(await bench.fill(5), [count(8), [9, 10], "end"]);
});

Deno.test("MapFeed submits the items before an error", async () => {
  const error = new Error("no more");
  function* failing() {
    yield* [1, 2, 3];
    throw error;
  }
  const expected = [[1, 2], [3], error];
  assertEquals(await new Bench(failing(), 2).fill(5), expected);
  const array = Object.defineProperty([1, 2, 3], 3, {
    get() {
      throw error;
    },
  });
  assertEquals(await new Bench(array, 2).fill(5), expected);
  const source = new Source();
  source.give(1, 2, 3);
  source.fail(error);
  assertEquals(await new Bench(source, 2).fill(5), expected);
});

Deno.test("MapFeed submits items before slow ones arrive", async () => {
  const source = new Source();
  const bench = new Bench(source, "auto");
  source.give(1, 2);
  assertEquals(await bench.fill(5), [[1, 2]]);
  assertEquals([await bench.take(), source.asked], [[], 3]);
  source.give(3);
  assertEquals(await bench.take(), [[3]]);
  source.give(...count(20));
  assertEquals(await bench.take(), [
    count(8),
    count(16).slice(8),
    count(20).slice(16),
  ]);
  source.end();
  assertEquals(await bench.take(), ["end"]);
});

Deno.test("MapFeed submits a requested item even if no more are wanted", async () => {
  const source = new Source();
  const bench = new Bench(source, "auto");
  source.give(1);
  assertEquals(await bench.fill(1), [[1]]);
  source.give(2);
  assertEquals([await bench.take(), source.asked], [[[2]], 3]);
  source.give(3);
  assertEquals(await bench.fill(1), [[3]]);
});

Deno.test("MapFeed fills a chunk of fixed size", async () => {
  const source = new Source();
  const bench = new Bench(source, 3);
  source.give(1, 2);
  assertEquals(await bench.fill(5), []);
  source.give(3, 4);
  assertEquals(await bench.take(), [[1, 2, 3]]);
  source.end();
  assertEquals(await bench.take(), [[4], "end"]);
});

Deno.test("MapFeed submits nothing after stop()", async () => {
  const source = new Source();
  const bench = new Bench(source, 3);
  source.give(1, 2);
  assertEquals(await bench.fill(5), []);
  bench.feed.stop();
  source.give(3, 4, 5, 6);
  assertEquals([await bench.take(), source.asked], [[], 3]);
  assertEquals(await bench.fill(5), []);
  await bench.feed.close();
  assertEquals(source.closed, 1);
});

Deno.test("MapFeed submits nothing of a chunk during which it was stopped", async () => {
  const bench: Bench = new Bench(stopping(), 3);
  assertEquals(await bench.fill(5), []);
  await bench.feed.close();

  function* stopping(): Generator<number> {
    yield 1;
    bench.feed.stop();
    yield 2;
  }
});

Deno.test("MapFeed doesn't report the end of its items after stop()", async () => {
  for (const how of ["end", "fail"] as const) {
    const source = new Source();
    const bench = new Bench(source, "auto");
    assertEquals(await bench.fill(5), []);
    bench.feed.stop();
    source[how](new Error("too late"));
    assertEquals(await bench.take(), []);
  }
});
