import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import {
  type MapOptions,
  Pool,
  PoolClosedError,
  type RetryOptions,
  type SettledItem,
} from "../../mod.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { until } from "../helpers/processes.ts";

/** Retries without a noticeable pause. */
const SOON: RetryOptions = { attempts: 4, minTimeout: 1 };

/** Retries after a pause that no test waits for. */
const NEVER: RetryOptions = {
  minTimeout: 2 ** 30,
  maxTimeout: 2 ** 30,
  jitter: 0,
};

/** A time limit that passes only when a test lets it. */
const HELD = 200_003;

/** The items of most maps. */
const ITEMS = Array.from({ length: 2_000 }, (_, index) => index);

/**
 * A task that throws the first times for every seventh item, depending on it:
 * from once to three times, and for every 49th up to the last time.
 */
const flaky = (x: number): number => {
  const counts = (globalThis as { runs?: Map<number, number> }).runs ??=
    new Map();
  const runs = (counts.get(x) ?? 0) + 1;
  counts.set(x, runs);
  const failures = x % 7 === 0 ? x % 3 + 1 : 0;
  if (runs <= failures) throw new RangeError(`attempt ${runs} of ${x}`);
  return x * 2;
};

/** The same, but every 70th item always throws. */
const poisonous = (x: number): number => {
  const counts = (globalThis as { runs?: Map<number, number> }).runs ??=
    new Map();
  const runs = (counts.get(x) ?? 0) + 1;
  counts.set(x, runs);
  const failures = x % 70 === 35 ? Infinity : x % 7 === 0 ? x % 3 + 1 : 0;
  if (runs <= failures) throw new RangeError(`attempt ${runs} of ${x}`);
  return x * 2;
};

function inWords(item: SettledItem<unknown>): string {
  return item.status === "fulfilled"
    ? `${item.index}: ${item.value}`
    : `${item.index}: ${item.reason} (${item.attempts})`;
}

function expected(x: number): string {
  return x % 70 === 35
    ? `${x}: RangeError: attempt 4 of ${x} (4)`
    : `${x}: ${x * 2}`;
}

const MAPS: MapOptions[] = [1, 50, "auto" as const].flatMap((chunkSize) =>
  [true, false].map((ordered) => ({ chunkSize, ordered }))
);

for (const options of MAPS) {
  const name = Deno.inspect(options, { breakLength: Infinity });

  Deno.test(`Pool.map() with retry and ${name} yields each result once`, async () => {
    await using pool = new Pool(1);
    const results: number[] = [];
    const map = pool.with({ retry: SOON }).map(flaky, ITEMS, options);
    for await (const result of map) results.push(result);
    if (!options.ordered) results.sort((a, b) => a - b);
    assertEquals(results, ITEMS.map((x) => x * 2));
  });

  Deno.test(`Pool.map() with retry and ${name} settles each item once`, async () => {
    await using pool = new Pool(1);
    const map = pool.with({ retry: SOON }).map(poisonous, ITEMS, options);
    const items = await map.settled().toArray();
    if (!options.ordered) items.sort((a, b) => a.index - b.index);
    assertEquals(items.map(inWords), ITEMS.map(expected));
    const { done, failed, running } = map.progress;
    assertEquals([done, failed, running], [ITEMS.length - 29, 29, 0]);
  });

  Deno.test(`Pool.map() with retry and ${name} ends with the item that fails for good`, async () => {
    await using pool = new Pool(1);
    const map = pool.with({ retry: SOON }).map(poisonous, ITEMS, options);
    const results: number[] = [];
    const error = await assertRejects(async () => {
      for await (const result of map) results.push(result);
    }, RangeError);
    const index = map.failedIndex!;
    assertEquals(error.message, `attempt 4 of ${index}`);
    assertEquals((error as { attempts?: number }).attempts, 4);
    if (options.ordered) {
      assertEquals(index, 35);
      assertEquals(results, ITEMS.slice(0, 35).map((x) => x * 2));
    } else {
      assertEquals(index % 70, 35);
      assertEquals(new Set(results).size, results.length);
    }
  });
}

Deno.test("Pool.map() with retry collects the results of all workers", async () => {
  await using pool = new Pool(2);
  const items = Array.from({ length: 20_000 }, (_, index) => index);
  const retry = { attempts: 20, minTimeout: 1, maxTimeout: 2 };
  const map = pool.with({ retry }).map(flaky, items);
  assertEquals(await map.toArray(), items.map((x) => x * 2));
});

Deno.test("Pool.map() with retry spreads items", async () => {
  await using pool = new Pool(1);
  const add = (x: number, y: number) => {
    const seen = (globalThis as { seen?: Set<number> }).seen ??= new Set();
    if (seen.size === seen.add(x).size) return x + y;
    throw new RangeError("first");
  };
  for (const chunkSize of [1, 3]) {
    const base = chunkSize * 10;
    const items = [1, 2, 3, 4].map((x) => base + x);
    const map = pool.with({ retry: SOON }).map(add, items, items, {
      chunkSize,
    });
    assertEquals(await map.toArray(), items.map((x) => x * 2));
  }
});

Deno.test("Pool.map() with retry, keys and priority yields each result once", async () => {
  await using pool = new Pool(2);
  const items = ITEMS.slice(0, 300);
  const key = (x: number) => String(x % 5);
  const both = pool.with({ retry: SOON, key, priority: 2 });
  assertEquals(await both.map(flaky, items).toArray(), items.map((x) => x * 2));
  const one = pool.with({ retry: SOON, key: "one" });
  assertEquals(await one.map(flaky, items).toArray(), items.map((x) => x * 2));
});

Deno.test("Pool.transform() with retry runs items again", async () => {
  await using pool = new Pool(1);
  const items = ITEMS.slice(0, 500);
  const doubled = ReadableStream.from(items)
    .pipeThrough(pool.with({ retry: SOON }).transform(flaky));
  assertEquals(await Array.fromAsync(doubled), items.map((x) => x * 2));
});

Deno.test("Pool.map() with retry delivers other items while one waits", async () => {
  await using pool = new Pool(1);
  const fail = (x: number) => {
    if (x === 3) throw new RangeError("never");
    return x;
  };
  for (const chunkSize of [1, 4, "auto"] as const) {
    const again = pool.with({ retry: NEVER });
    const options = { chunkSize, ordered: false };
    await using map = again.map(fail, ITEMS, options);
    const seen = new Set<number>();
    for (let count = 1; count < ITEMS.length; count++) {
      seen.add((await map.next()).value!);
    }
    assertEquals(seen.size, ITEMS.length - 1);
    assert(!seen.has(3));
    await using ordered = again.map(fail, ITEMS, { chunkSize });
    for (const x of [0, 1, 2]) assertEquals((await ordered.next()).value, x);
  }
});

Deno.test("Pool.map() with retry ends early with what has arrived", async () => {
  using time = flowingTime();
  await using pool = new Pool(1);
  const fail = (x: number) => {
    if (x === 3) throw new RangeError("never");
    return x;
  };
  for (const chunkSize of [1, 10]) {
    const { promise: thrown, resolve } = Promise.withResolvers<void>();
    const when = () => {
      resolve();
      return true;
    };
    const late = pool.with({ retry: { ...NEVER, when }, timeout: HELD });
    const map = late.map(fail, ITEMS, { chunkSize });
    const results = [(await map.next()).value];
    await thrown;
    time.tick(HELD);
    const error = await assertRejects(async () => {
      for await (const result of map) results.push(result);
    });
    assertInstanceOf(error, DOMException);
    assertEquals(error.name, "TimeoutError");
    assertEquals(results, [0, 1, 2]);
  }
});

Deno.test("Pool.map() with retry ends early with items that ran again", async () => {
  await using pool = new Pool({ workers: 1, cancelGrace: 10 });
  const hangAtFive = async (x: number): Promise<number> => {
    const seen = (globalThis as { seen?: Set<number> }).seen ??= new Set();
    const isFirst = seen.size !== seen.add(x).size;
    if (x === 5 && !isFirst) await new Promise(() => {});
    if ((x === 3 || x === 5) && isFirst) throw new RangeError("first");
    return x;
  };
  const controller = new AbortController();
  const { signal } = controller;
  const again = pool.with({ retry: SOON, signal });
  const map = again.map(hangAtFive, ITEMS.slice(0, 10), { chunkSize: 10 });
  const results = [(await map.next()).value];
  await until(() => pool.stats().done === 9);
  controller.abort("enough");
  await assertRejects(async () => {
    for await (const result of map) results.push(result);
  });
  assertEquals(results, [0, 1, 2, 3, 4]);
});

Deno.test("Pool.shutdown() waits for items of a map that run again", async () => {
  const pool = new Pool(1);
  const retry = { attempts: 4, minTimeout: 20, jitter: 0 };
  const map = pool.with({ retry }).map(flaky, ITEMS, { chunkSize: 50 });
  const first = (await map.next()).value!;
  const ended = pool.shutdown();
  const results = [first];
  await assertRejects(async () => {
    for await (const result of map) results.push(result);
  }, PoolClosedError);
  await ended;
  assertEquals(results, ITEMS.slice(0, results.length).map((x) => x * 2));
  assert(results.length > 1);
});

Deno.test("Pool.terminate() ends a map whose items wait", async () => {
  const pool = new Pool(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const retry: RetryOptions = {
    ...NEVER,
    when: () => {
      resolve();
      return true;
    },
  };
  const always = () => {
    throw new RangeError("always");
  };
  for (const chunkSize of [3]) {
    const map = pool.with({ retry }).map(always, [1, 2, 3], { chunkSize });
    const results = map.toArray();
    const rejected = assertRejects(() => results, DOMException, "terminated");
    await promise;
    await pool.terminate();
    await rejected;
  }
});

Deno.test("'when' may leave its map", async () => {
  await using pool = new Pool(1);
  for (const chunkSize of [1, 5]) {
    let asked = 0;
    const retry: RetryOptions = {
      ...SOON,
      when: () => {
        asked++;
        map.return!();
        return true;
      },
    };
    const map = pool.with({ retry }).map(flaky, [7, 14, 1, 2, 21, 3], {
      chunkSize,
    });
    assertEquals(await map.toArray(), []);
    assert(asked > 0);
  }
  assertEquals(await pool.run(() => "alive"), "alive");
});

Deno.test("Pool.map() with retry rejects an item with what 'when' throws", async () => {
  await using pool = new Pool(1);
  for (const chunkSize of [1, 5]) {
    const retry: RetryOptions = {
      ...SOON,
      when: (error) => {
        throw new TypeError(`no idea: ${(error as Error).message}`);
      },
    };
    const fail = (x: number) => {
      if (x === 2) throw new RangeError("two");
      return x;
    };
    const map = pool.with({ retry }).map(fail, [1, 2, 3], { chunkSize });
    assertEquals((await map.settled().toArray()).map(inWords), [
      "0: 1",
      "1: TypeError: no idea: two (1)",
      "2: 3",
    ]);
  }
});

Deno.test("Pool.map() with retry and retries runs a lost chunk and its items again", async () => {
  await using pool = new Pool({ workers: 1, maxRestarts: 100 });
  const task = (x: number) => {
    const counts = (globalThis as { runs?: Map<number, number> }).runs ??=
      new Map();
    const runs = (counts.get(x) ?? 0) + 1;
    counts.set(x, runs);
    // Each new worker of the chunk is lost at this item once it runs others.
    if (x === 13 && counts.size > 1 && counts.size < 16) Deno.exit(3);
    if (x % 5 === 0 && runs === 1) throw new RangeError(`first of ${x}`);
    return x;
  };
  const items = ITEMS.slice(0, 40);
  const both = pool.with({ retry: SOON, retries: 3 });
  const map = both.map(task, items, { chunkSize: 20 });
  const settled = await map.settled().toArray();
  assertEquals(settled.map(({ index }) => index), items);
  for (const item of settled) {
    if (item.status === "fulfilled") assertEquals(item.value, item.index);
    else assertEquals(item.index, 13);
  }
});

Deno.test("Pool.map() with retry doesn't run items of a lost chunk again without retries", async () => {
  await using pool = new Pool({ workers: 1, maxRestarts: 100 });
  const asked: unknown[] = [];
  const retry: RetryOptions = {
    ...SOON,
    when: (error) => {
      asked.push(error);
      return true;
    },
  };
  const map = pool.with({ retry }).map(
    (x: number) => x === 2 ? Deno.exit(3) : x,
    [1, 2, 3],
    { chunkSize: 3 },
  );
  for await (const item of map.settled()) {
    assert(item.status === "rejected");
    assertEquals("attempts" in item, false);
  }
  assertEquals(asked, []);
});

Deno.test("Pool.map() with retry settles large results and items that can't be sent", async () => {
  await using pool = new Pool(1);
  const give = (x: number) => {
    const seen = (globalThis as { seen?: Set<number> }).seen ??= new Set();
    if (x % 3 === 0 && seen.size !== seen.add(x).size) {
      throw new RangeError(`first of ${x}`);
    }
    return new Uint8Array(400_000).fill(x);
  };
  const items: unknown[] = ITEMS.slice(0, 20);
  items[5] = () => 5;
  const map = pool.with({ retry: SOON })
    .map(give as (x: unknown) => Uint8Array, items, { chunkSize: 20 });
  let index = 0;
  for await (const item of map.settled()) {
    assertEquals(item.index, index);
    if (index === 5) assert(item.status === "rejected");
    else assertEquals(item.status === "fulfilled" && item.value[9], index);
    index++;
  }
  assertEquals(index, 20);
});

Deno.test("Pool.map() with retry and maxFailures counts items that failed for good", async () => {
  await using pool = new Pool(1);
  const few = pool.with({ retry: SOON })
    .map(poisonous, ITEMS, { chunkSize: 50 }).settled({ maxFailures: 29 });
  const failed = (await few.toArray())
    .filter(({ status }) => status === "rejected");
  assertEquals(failed.length, 29);
  const many = pool.with({ retry: SOON })
    .map(poisonous, ITEMS, { chunkSize: 50 }).settled({ maxFailures: 28 });
  const error = await assertRejects(() => many.toArray(), AggregateError);
  assertEquals(error.errors.length, 29);
});

Deno.test("Pool.map() with retry and speculate yields each result once", async () => {
  await using pool = new Pool(2);
  const slow = async (x: number): Promise<number> => {
    const counts = (globalThis as { runs?: Map<number, number> }).runs ??=
      new Map();
    const runs = (counts.get(x) ?? 0) + 1;
    counts.set(x, runs);
    if (x === 199) await new Promise((resolve) => setTimeout(resolve, 400));
    if (x % 11 === 1 && runs === 1) throw new RangeError(`first of ${x}`);
    return x;
  };
  const items = ITEMS.slice(0, 200);
  for (const chunkSize of [1, 10, "auto"] as const) {
    const again = pool.with({ retry: SOON, speculate: true });
    assertEquals(await again.map(slow, items, { chunkSize }).toArray(), items);
  }
});

Deno.test("Pool.map() with retry refuses what yields values", async () => {
  await using pool = new Pool(1);
  function* count(): Generator<number> {
    yield 1;
  }
  for (const chunkSize of [1, 3]) {
    const map = pool.with({ retry: SOON }).map(count, [1, 2], { chunkSize });
    await assertRejects(() => map.toArray(), TypeError, "generator");
  }
});

for (const chunkSize of [1, 50] as const) {
  for (const ordered of [true, false]) {
    Deno.test(`Pool.map() with retry, a journal and ${Deno.inspect({ chunkSize, ordered })} records each item once`, async () => {
      await using pool = new Pool(1);
      const folder = await Deno.makeTempDir();
      try {
        const options = { chunkSize, ordered, journal: `${folder}/run.db` };
        const items = ITEMS.slice(0, 500);
        const again = pool.with({ retry: SOON });
        const read = async () => {
          const map = again.map(poisonous, items, options).settled();
          return (await map.toArray()).sort((a, b) => a.index - b.index);
        };
        assertEquals((await read()).map(inWords), items.map(expected));
        const { done, failed } = pool.stats();
        for (const item of await read()) {
          assertEquals(item.status === "rejected", item.index % 70 === 35);
        }
        // Only the 7 items that failed have run again.
        assertEquals(pool.stats().done, done);
        assertEquals(pool.stats().failed, failed + 7 * 4);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}
