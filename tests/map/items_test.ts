import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { END } from "../../src/map/array_cursor.ts";
import {
  type AnyIterable,
  isAsyncIterable,
  isIterable,
  Items,
} from "../../src/map/items.ts";

/** An iterable that counts the calls to its iterator's methods. */
class Source implements Iterable<number> {
  /** How often next() was called. */
  asked = 0;
  /** How often return() was called. */
  closed = 0;
  readonly #end: number;
  readonly #failAt: number;
  readonly #closingError: Error | undefined;

  /** Yields 1, 2, … */
  constructor(end = Infinity, failAt = NaN, closingError?: Error) {
    this.#end = end;
    this.#failAt = failAt;
    this.#closingError = closingError;
  }

  [Symbol.iterator](): Iterator<number> {
    return {
      next: () => this.#next(),
      return: () => {
        this.closed++;
        if (this.#closingError !== undefined) throw this.#closingError;
        return { done: true, value: undefined };
      },
    };
  }

  #next(): IteratorResult<number> {
    this.asked++;
    if (this.asked === this.#failAt) throw new Error("no more");
    return this.asked > this.#end
      ? { done: true, value: undefined }
      : { done: false, value: this.asked };
  }
}

/** The async version of {@linkcode Source}. */
class AsyncSource implements AsyncIterable<number> {
  readonly source: Source;

  constructor(...args: ConstructorParameters<typeof Source>) {
    this.source = new Source(...args);
  }

  [Symbol.asyncIterator](): AsyncIterator<number> {
    const iterator = this.source[Symbol.iterator]();
    return {
      next: async () => await iterator.next(),
      return: async () => await iterator.return!(),
    };
  }
}

/** An async iterable that yields only when the test settles `answer`. */
class SilentSource implements AsyncIterable<number> {
  readonly answer = Promise.withResolvers<IteratorResult<number>>();
  closed = 0;
  closing: Promise<never> | undefined;

  [Symbol.asyncIterator](): AsyncIterator<number> {
    return {
      next: () => this.answer.promise,
      return: () => {
        this.closed++;
        return this.closing ?? new Promise(() => {});
      },
    };
  }
}

/** Takes all items, with next() or nextAsync(). */
async function collect(items: Items): Promise<unknown[]> {
  const all: unknown[] = [];
  for (;;) {
    const item = items.sync ? items.next() : await items.nextAsync();
    if (item === END) return all;
    all.push(item);
  }
}

/** Constructors of sources, by kind. */
const KINDS: [string, (...args: number[]) => AnyIterable<number>][] = [
  ["sync", (...args) => new Source(...args)],
  ["async", (...args) => new AsyncSource(...args)],
];

for (const [kind, make] of KINDS) {
  Deno.test(`Items returns the values of one ${kind} iterable`, async () => {
    const items = new Items([make(3)]);
    assertEquals(items.sync, kind === "sync");
    assertEquals(await collect(items), [1, 2, 3]);
  });

  Deno.test(`Items of several iterables, one of them ${kind}, ends with the shortest`, async () => {
    for (const ends of [[2, 3, 4], [3, 2, 4], [4, 3, 2]]) {
      const [first, ...rest] = ends.map((end) => new Source(end));
      const items = new Items([first!, make(2), ...rest]);
      assertEquals(await collect(items), [[1, 1, 1, 1], [2, 2, 2, 2]]);
    }
  });

  Deno.test(`Items is empty with an empty ${kind} iterable`, async () => {
    assertEquals(await collect(new Items([new Source(), make(0)])), []);
    assertEquals(await collect(new Items([make(0), new Source()])), []);
  });
}

Deno.test("Items takes from an array what its iterator would return", () => {
  // deno-lint-ignore no-sparse-arrays
  const array: unknown[] = [1, , 3, 4];
  const items = new Items([array]);
  assertEquals([items.next(), items.next()], [1, undefined]);
  array.length = 3;
  array[2] = "changed";
  assertEquals([items.next(), items.next()], ["changed", END]);
  array.push("too late");
  assertEquals(items.next(), END);
});

Deno.test("Items.takeNumbers() takes numbers until another element", () => {
  const reads: number[] = [];
  const array: unknown[] = [1, 2.5, "a", 4, 5, 6];
  for (const [index, element] of array.entries()) {
    Object.defineProperty(array, index, {
      get() {
        reads.push(index);
        return element;
      },
    });
  }
  const items = new Items([array]);
  const target: unknown[] = [];
  assertEquals([items.takeNumbers(target, 5), target], [2, [1, 2.5]]);
  assertEquals(items.takeNumbers(target, 5), 0);
  assertEquals(items.next(), "a");
  assertEquals([items.takeNumbers(target, 2), target], [2, [4, 5]]);
  assertEquals([items.next(), items.next()], [6, END]);
  assertEquals(items.takeNumbers(target, 1), 0);
  assertEquals(reads, [0, 1, 2, 3, 4, 5]);
});

Deno.test("Items.takeNumbers() takes nothing that isn't in a single array", () => {
  const target: unknown[] = [];
  for (const iterables of [[new Set([1])], [[1], [2]]]) {
    assertEquals(new Items(iterables).takeNumbers(target, 1), 0);
  }
  assertEquals(target, []);
});

Deno.test("Items iterates over an array by its own iterator", () => {
  class Doubled extends Array<number> {
    override *[Symbol.iterator](): ArrayIterator<number> {
      for (let index = 0; index < this.length; index++) yield this[index]! * 2;
    }
  }
  const items = new Items([Doubled.of(1, 2)]);
  assertEquals([items.next(), items.next(), items.next()], [2, 4, END]);
});

Deno.test("Items.nextAsync() works with sync iterables", async () => {
  const items = new Items([[1, 2], "ab"]);
  assertEquals(await items.nextAsync(), [1, "a"]);
  assertEquals(items.next(), [2, "b"]);
  assertEquals(await items.nextAsync(), END);
});

Deno.test("Items awaits promises from a sync iterable if other iterables are async", async () => {
  const promises = [Promise.resolve(1), Promise.resolve(2)];
  const items = new Items([promises, new AsyncSource()]);
  assertEquals(await collect(items), [[1, 1], [2, 2]]);
});

Deno.test("Items takes nothing from later iterables when the shortest one ends", () => {
  const after = new Source();
  const items = new Items([new Source(1), after]);
  assertEquals([items.next(), items.next()], [[1, 1], END]);
  assertEquals(after.asked, 1);
});

Deno.test("Items takes nothing before next() is called", () => {
  const source = new Source();
  new Items([source]);
  assertEquals(source.asked, 0);
});

Deno.test("Items takes from all async iterables at the same time", async () => {
  const silent = [new SilentSource(), new SilentSource()];
  const item = new Items(silent).nextAsync();
  // The first iterable yields after the second.
  silent[1]!.answer.resolve({ done: false, value: 2 });
  silent[0]!.answer.resolve({ done: false, value: 1 });
  assertEquals(await item, [1, 2]);
});

Deno.test("Items.close() closes each unfinished iterable once", async () => {
  const ended = new Source(0);
  const open = [new Source(), new AsyncSource()] as const;
  const items = new Items([open[0], ended, open[1]]);
  assertEquals(await items.nextAsync(), END);
  await items.close();
  await items.close();
  assertEquals([open[0].closed, ended.closed, open[1].source.closed], [
    1,
    0,
    1,
  ]);
});

Deno.test("Items.close() closes iterables that weren't started", async () => {
  const source = new Source();
  await new Items([source]).close();
  assertEquals([source.asked, source.closed], [0, 1]);
});

Deno.test("Items.close() accepts iterators without return()", async () => {
  const iterable = {
    [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }) }),
  };
  const items = new Items([iterable as Iterable<number>]);
  assertEquals(items.next(), 1);
  await items.close();
});

Deno.test("Items.close() runs a generator's finally block", async () => {
  let left = false;
  function* generate() {
    try {
      yield 1;
    } finally {
      left = true;
    }
  }
  const items = new Items([generate()]);
  items.next();
  await items.close();
  assert(left);
});

Deno.test("Items throws the error of a sync iterable and closes the others", async () => {
  const failing = new Source(Infinity, 2);
  const other = new Source();
  const items = new Items([other, failing]);
  assertEquals(items.next(), [1, 1]);
  assertThrows(() => items.next(), Error, "no more");
  await items.close();
  assertEquals([other.closed, failing.closed], [1, 0]);
});

Deno.test("Items throws the error of an async iterable and closes the others", async () => {
  const failing = new AsyncSource(Infinity, 2);
  const other = new AsyncSource();
  const items = new Items([failing, other]);
  assertEquals(await items.nextAsync(), [1, 1]);
  await assertRejects(() => items.nextAsync(), Error, "no more");
  await items.close();
  assertEquals([other.source.closed, failing.source.closed], [1, 0]);
});

for (
  const [kind, make] of [["sync", Source], ["async", AsyncSource]] as const
) {
  Deno.test(`Items.close() throws the error of closing a ${kind} iterable and closes all`, async () => {
    const failing = new make(Infinity, NaN, new Error("stuck"));
    const before = new Source();
    const after = new Source();
    const items = new Items([before, failing, after]);
    await items.nextAsync();
    await assertRejects(() => items.close(), Error, "stuck");
    assertEquals([before.closed, after.closed], [1, 1]);
    await items.close();
  });
}

Deno.test("Items.close() doesn't wait for iterables while nextAsync() is pending", async () => {
  const silent = new SilentSource();
  const other = new Source();
  const items = new Items([silent, other]);
  const item = items.nextAsync();
  await items.close();
  assertEquals([silent.closed, other.closed], [1, 1]);
  silent.answer.resolve({ done: true, value: undefined });
  assertEquals(await item, END);
});

Deno.test("Items.close() ignores closing errors while nextAsync() is pending", async () => {
  const silent = new SilentSource();
  silent.closing = Promise.reject(new Error("too late"));
  const items = new Items([silent]);
  const item = items.nextAsync();
  await items.close();
  silent.answer.reject(new Error("hung up"));
  await assertRejects(() => item, Error, "hung up");
});

Deno.test("Items.close() waits for iterables while nextAsync() isn't pending", async () => {
  const closing = Promise.withResolvers<IteratorResult<number>>();
  let isClosed = false;
  const iterable: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: 1 }),
      return: () => closing.promise,
    }),
  };
  const items = new Items([iterable]);
  assertEquals(await items.nextAsync(), 1);
  const closed = items.close().then(() => isClosed = true);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assertFalse(isClosed);
  closing.resolve({ done: true, value: undefined });
  assert(await closed);
});

Deno.test("Items.left counts the items that are left of arrays", () => {
  const items = new Items([[1, 2, 3], [1, 2, 3, 4]]);
  assertEquals(items.left, 3);
  items.next();
  assertEquals(items.left, 2);
  while (items.next() !== END);
  assertEquals(items.left, 0);
  assertEquals(new Items([[1], new Set([1])]).left, Infinity);
});

Deno.test("isIterable() and isAsyncIterable() check for iterator methods", () => {
  const neither = [undefined, null, 1, {}, { [Symbol.iterator]: 1 }];
  for (const value of neither) {
    assertFalse(isIterable(value) || isAsyncIterable(value));
  }
  for (const value of [[], "", new Map(), new Uint8Array()]) {
    assert(isIterable(value));
    assertFalse(isAsyncIterable(value));
  }
  assert(isAsyncIterable(new AsyncSource()));
  assertFalse(isIterable(new AsyncSource()));
});
