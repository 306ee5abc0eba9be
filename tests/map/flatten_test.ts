import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
} from "@std/assert";
import { type MapResults, Pool, type TaskThis } from "../../mod.ts";
import { until } from "../helpers/processes.ts";
import {
  assertCounts,
  assertNoneLost,
  count,
  recorded,
  recordOf,
} from "../helpers/stream_fixture.ts";

/** A task: yields `x` as often as its value, then ten times `x`. */
function* repeat(x: number): Generator<number> {
  for (let index = 0; index < x; index++) yield x;
  yield x * 10;
}

/** What {@linkcode repeat} yields for the numbers below `n`, in order. */
function repeated(n: number): number[] {
  return [...count(n)].flatMap((x) => [...repeat(x)]);
}

/** Chunk sizes and concurrencies, whose combinations run different code. */
const SETTINGS = [1, 3, 100, "auto"].flatMap((chunkSize) =>
  [1, 8].map((concurrency) => ({
    chunkSize: chunkSize as number | "auto",
    concurrency,
  }))
);

Deno.test("map() yields the values of generators in order", async () => {
  for (const { chunkSize, concurrency } of SETTINGS) {
    await using pool = new Pool({ workers: 2, concurrency });
    const results = pool.map(repeat, count(40), { chunkSize });
    assertEquals(await results.toArray(), repeated(40));
    const values: number[] = [];
    for await (const x of pool.map(repeat, count(40), { chunkSize })) {
      values.push(x);
    }
    assertEquals(values, repeated(40));
  }
});

Deno.test("map() yields the values of generators, whatever their order", async () => {
  for (const { chunkSize, concurrency } of SETTINGS) {
    await using pool = new Pool({ workers: 2, concurrency });
    const results = pool.map(repeat, count(40), { chunkSize, ordered: false });
    const values = (await results.toArray()).sort((a, b) => a - b);
    assertEquals(values, repeated(40).sort((a, b) => a - b));
  }
});

Deno.test("map() yields the values of async tasks and generators in order", async () => {
  const later = async (x: number) => {
    await new Promise((resolve) => setTimeout(resolve, x % 4));
    return (function* () {
      yield x;
      yield x + 0.5;
    })();
  };
  const asyncGenerator = async function* (x: number) {
    await new Promise((resolve) => setTimeout(resolve, x % 4));
    yield x;
    await Promise.resolve();
    yield x + 0.5;
  };
  const stream = (x: number) => ReadableStream.from([x, x + 0.5]);
  const promised = (x: number) => Promise.resolve([x, x + 0.5].values());
  const expected = [...count(30)].flatMap((x) => [x, x + 0.5]);
  for (const { chunkSize, concurrency } of SETTINGS) {
    await using pool = new Pool({ workers: 2, concurrency });
    for (const task of [later, asyncGenerator, stream, promised]) {
      const results = pool.map(task, count(30), { chunkSize });
      assertEquals(await results.toArray(), expected);
    }
  }
});

Deno.test("map() mixes values, arrays, empty generators and full ones", async () => {
  const mixed = ((x: number) => {
    if (x % 5 === 0) return x;
    if (x % 5 === 1) return [x];
    if (x % 5 === 2) return (function* () {})();
    if (x % 5 === 3) return Promise.resolve(x);
    return repeat(x);
    function* repeat(x: number) {
      yield x;
      yield [x];
    }
  }) as unknown as (x: number) => Generator<unknown>;
  const expected = [...count(40)].flatMap((x): unknown[] => {
    if (x % 5 === 1) return [[x]];
    if (x % 5 === 2) return [];
    return x % 5 === 4 ? [x, [x]] : [x];
  });
  for (const { chunkSize, concurrency } of SETTINGS) {
    await using pool = new Pool({ workers: 2, concurrency });
    const results = pool.map(mixed, count(40), { chunkSize });
    assertEquals(await results.toArray() as unknown[], expected);
  }
});

Deno.test("map() yields nothing if no generator does", async () => {
  await using pool = new Pool(1);
  for (const ordered of [true, false]) {
    const results = pool.map(function* () {}, count(100), { ordered });
    assertEquals(await results.toArray(), []);
  }
});

Deno.test("map() takes spread items and several iterables for generators", async () => {
  await using pool = new Pool(1);
  const both = function* (a: number, b: number) {
    yield a;
    yield b;
  };
  const several = pool.map(both, [1, 2], [3, 4]);
  assertEquals(await several.toArray(), [1, 3, 2, 4]);
  const spread = pool.map(both, [[1, 3], [2, 4]], { spread: true });
  assertEquals(await spread.toArray(), [1, 3, 2, 4]);
});

Deno.test("map() throws the error of a generator after the values before it", async () => {
  const failing = function* (x: number) {
    yield x;
    if (x === 5) throw new RangeError("on purpose");
    yield x + 0.5;
  };
  const expected = [...count(5)].flatMap((x) => [x, x + 0.5]).concat(5);
  for (const { chunkSize, concurrency } of SETTINGS) {
    await using pool = new Pool({ workers: 2, concurrency });
    const values: number[] = [];
    const error = await assertRejects(async () => {
      for await (const x of pool.map(failing, count(30), { chunkSize })) {
        values.push(x);
      }
    }, RangeError);
    assertEquals(values, expected);
    assert(error.stack!.includes("flatten_test.ts"), error.stack);
  }
});

Deno.test("map() throws for a value of a generator that can't be sent", async () => {
  await using pool = new Pool(1);
  const results = pool.map(function* (x: number): Generator<unknown> {
    yield x;
    if (x === 1) yield { f: () => {} };
  }, count(3));
  const values: unknown[] = [];
  await assertRejects(
    async () => {
      for await (const value of results) values.push(value);
    },
    DOMException,
    "value.f is a function",
  );
  assertEquals(values, [0, 1]);
});

Deno.test("map() doesn't hold more of an input than its windows", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1 });
  let taken = 0;
  const inputs = function* () {
    for (const x of [1_000_000, ...count(100_000)]) {
      taken++;
      yield x;
    }
  };
  const results = pool.map(recorded, inputs());
  await results.next();
  const { yielded } = await recordOf(pool);
  // What waits for the reader, and what has credit.
  assertLess(yielded, 9_000);
  assertLess(taken, 5);
  await results.return?.();
  assertEquals((await recordOf(pool)).hasEnded, true);
  assertNoneLost(pool);
});

Deno.test("map() doesn't keep the pool's block from its end if nobody reads on", async () => {
  const warnings: unknown[] = [];
  const { warn } = console;
  console.warn = (warning) => warnings.push(warning);
  let results: MapResults<number>;
  try {
    await using pool = new Pool({ workers: 1, cancelGrace: 1 });
    results = pool.map(count, [1_000_000]);
    assertEquals((await results.next()).value, 0);
  } finally {
    console.warn = warn;
  }
  assertEquals(warnings.length, 1);
  await assertRejects(() => results.toArray(), DOMException, "nobody awaited");
});

Deno.test("map() yields millions of values of one input", async () => {
  await using pool = new Pool(2);
  await assertCounts(pool.map(count, [1_000_000]), 1_000_000);
});

Deno.test("map() yields large values of generators in bounded memory", async () => {
  await using pool = new Pool(1);
  const blocks = function* (n: number) {
    const record = { yielded: 0 };
    Object.assign(globalThis, { record });
    for (let x = 0; x < n; x++) {
      record.yielded++;
      yield new Uint8Array(1_000_000).fill(x);
    }
  };
  const results = pool.map(blocks, [200]);
  await results.next();
  assertLess((await recordOf(pool)).yielded, 5);
  let next = 1;
  for await (const block of results) assertEquals(block[999_999], next++);
  assertEquals(next, 200);
});

Deno.test("map() leaves the place of the only worker to other calls", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1, prefetch: 0 });
  let sum = 0;
  for await (const x of pool.map(count, [5_000, 5_000])) {
    if (x % 1_000 === 0) sum += await pool.run((x: number) => x, x);
  }
  assertEquals(sum, 20_000);
});

Deno.test("map() shares workers among several maps of generators", async () => {
  await using pool = new Pool(2);
  const maps = [1, 2, 3, 4].map((x) =>
    assertCounts(pool.map(count, [20_000 + x]), 20_000 + x)
  );
  await Promise.all(maps);
});

Deno.test("map() closes its generators when its reader leaves", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1 });
  for (const ordered of [true, false]) {
    for (const chunkSize of [1, 3]) {
      const results = pool.map(recorded, [Infinity, Infinity, Infinity], {
        ordered,
        chunkSize,
      });
      for await (const x of results) if (x === 5_000) break;
      assertEquals((await recordOf(pool)).hasEnded, true);
    }
  }
  assertNoneLost(pool);
});

Deno.test("map() closes its generators at its timeout and its signal", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 1 });
  await pool.ready;
  const limits = [
    { timeout: 50 },
    { signal: AbortSignal.timeout(50) },
  ];
  for (const limit of limits) {
    const values: number[] = [];
    const error = await assertRejects(async () => {
      const results = pool.map(
        async function* (this: TaskThis, x: number) {
          const { signal } = this;
          Object.assign(globalThis, { signal });
          yield x;
          await new Promise((resolve) => {
            signal.addEventListener("abort", resolve);
          });
        },
        [1, 2],
        limit,
      );
      for await (const value of results) values.push(value);
    });
    assertInstanceOf(error, DOMException);
    assertEquals(error.name, "TimeoutError");
    await pool.run(() => {});
  }
  assertNoneLost(pool);
});

Deno.test("map() begins the items that large values have put off when an item yields", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 2 });
  const task = (async (x: number) => {
    if (x === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      Object.assign(globalThis, { open: resolve });
      await promise;
      return (function* () {
        yield "a";
        yield "b";
      })();
    }
    // Lets the first item go on after the large one.
    setTimeout(Reflect.get(globalThis, "open"), 0);
    return "x".repeat(2_000_000);
  }) as unknown as (x: number) => Generator<string>;
  const results = await pool.map(task, count(4), { chunkSize: 4 }).toArray();
  assertEquals(results.map(({ length }) => length), [
    1,
    1,
    2_000_000,
    2_000_000,
    2_000_000,
  ]);
});

Deno.test("map() ends everything that the items of a failing chunk have returned", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 8 });
  const task = async (x: number) => {
    const log: string[] = Reflect.get(globalThis, "log") ?? [];
    Object.assign(globalThis, { log });
    // The last item returns its stream after the first one has failed.
    for (let turn = 0; turn < x; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return new ReadableStream<number>({
      pull(controller) {
        if (x > 0) return controller.enqueue(x);
        controller.error(new RangeError("on purpose"));
      },
      cancel: () => void log.push(`cancelled ${x}`),
    }, { highWaterMark: 0 });
  };
  const results = pool.map(task, count(4), { chunkSize: 4 });
  await assertRejects(() => results.toArray(), RangeError, "on purpose");
  let log: string[] = [];
  let isReading = false;
  await until(() => {
    if (!isReading) {
      isReading = true;
      pool.run(() => Reflect.get(globalThis, "log")).then((value) => {
        log = value as string[];
        isReading = false;
      });
    }
    return log.length === 3;
  });
  assertEquals(log.sort(), ["cancelled 1", "cancelled 2", "cancelled 3"]);
  await pool.shutdown();
});

Deno.test("map() aborts each item of a chunk that is cancelled", async () => {
  await using pool = new Pool({ workers: 1, concurrency: 8 });
  const log = () => Reflect.get(globalThis, "log") as string[];
  const task = async function (this: TaskThis, x: number) {
    const log: string[] = Reflect.get(globalThis, "log") ?? [];
    Object.assign(globalThis, { log });
    const { signal } = this;
    await Promise.resolve();
    return (async function* () {
      try {
        yield x;
        if (x === 0) return;
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
      } finally {
        log.push(`${x} ${signal.aborted}`);
      }
    })();
  };
  const results = pool.map(task, count(3), { chunkSize: 3 });
  await results.next();
  assertEquals((await results.next()).value, 1);
  await results.return?.();
  await until(() => pool.stats().running === 0);
  assertEquals(await pool.run(log), ["0 false", "1 true"]);
  assertNoneLost(pool);
});
