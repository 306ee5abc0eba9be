import { assert, assertEquals, assertRejects } from "@std/assert";
import { type MapProgress, Pool } from "../../mod.ts";

/** The numbers of a map's progress that don't depend on time. */
function counts({ phase, total, done, failed, running }: MapProgress) {
  return { phase, total, done, failed, running };
}

const half = (x: number): number => x / 2;

const even = (x: number): number => {
  if (x % 2 === 1) throw new RangeError(`${x} is odd`);
  return x;
};

Deno.test("MapResults.progress counts items from the start of the map to its end", async () => {
  await using pool = new Pool(1);
  const halves = pool.map(half, [2, 4, 6], { chunkSize: 1 });
  assertEquals(halves.progress, {
    task: "half",
    phase: "idle",
    total: 3,
    done: 0,
    failed: 0,
    running: 0,
    elapsed: 0,
    rate: 0,
    timeLeft: undefined,
  });

  await halves.next();
  const { phase, done, running, total, timeLeft } = halves.progress;
  assert(phase === "running" || phase === "draining");
  assert(done >= 1 && done + running <= 3);
  assertEquals(total, 3);
  assert(timeLeft !== undefined);

  assertEquals(await halves.toArray(), [2, 3]);
  const { elapsed, rate, ...end } = halves.progress;
  assertEquals(counts(halves.progress), {
    phase: "ended",
    total: 3,
    done: 3,
    failed: 0,
    running: 0,
  });
  assert(elapsed > 0 && rate > 0);
  assertEquals(end.timeLeft, 0);
  assertEquals(halves.progress.elapsed, elapsed);
});

/** Inputs with three items, and the total that is known before they are read. */
const INPUTS: Record<string, [() => Iterable<number>, number | undefined]> = {
  "an array": [() => [2, 4, 6], 3],
  "a set": [() => new Set([2, 4, 6]), 3],
  "a typed array": [() => Uint16Array.of(2, 4, 6), 3],
  "a map's values": [
    () => new Map([[0, 2], [1, 4], [2, 6]]).values(),
    undefined,
  ],
  "a generator": [
    function* () {
      yield* [2, 4, 6];
    },
    undefined,
  ],
  "a set with an iterator of its own": [
    () => new Doubled([1, 2, 3]),
    undefined,
  ],
};

class Doubled extends Set<number> {
  override *[Symbol.iterator](): SetIterator<number> {
    for (const value of super.values()) yield value * 2;
  }
}

for (const [name, [make, total]] of Object.entries(INPUTS)) {
  Deno.test(`MapResults.progress has the total of ${name} when it is known`, async () => {
    await using pool = new Pool(1);
    const halves = pool.map(half, make());
    assertEquals(halves.progress.total, total);
    assertEquals(await halves.toArray(), [1, 2, 3]);
    assertEquals(halves.progress.total, 3);
  });
}

Deno.test("MapResults.progress has the total of the shortest input", async () => {
  await using pool = new Pool(1);
  const sums = pool.map(
    (x: number, y: number) => x + y,
    [1, 2, 3],
    new Set([10, 20]),
  );
  assertEquals(sums.progress.total, 2);
  assertEquals(await sums.toArray(), [11, 22]);
  assertEquals(sums.progress.total, 2);
});

Deno.test("MapResults.progress has the total of an array that grows", async () => {
  await using pool = new Pool(1);
  const items = [2, 4];
  const halves = pool.map(half, items, { chunkSize: 1 });
  items.push(6);
  assertEquals(halves.progress.total, 3);
  assertEquals(await halves.toArray(), [1, 2, 3]);
});

Deno.test("MapResults.progress leaves items that a journal has recorded out of the rate", async () => {
  await using pool = new Pool(1);
  const folder = await Deno.makeTempDir();
  const journal = `${folder}/run.db`;
  try {
    const items = [2, 4, 6];
    await pool.map(half, items, { journal }).toArray();
    const again = pool.map(half, items, { journal });
    assertEquals(await again.toArray(), [1, 2, 3]);
    assertEquals(again.progress.done, 3);
    assertEquals(again.progress.rate, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("MapResults.progress counts the failed items of a settled map apart", async () => {
  await using pool = new Pool(2);
  const items = Array.from({ length: 1_000 }, (_, n) => n);
  const map = pool.map(even, items).settled();
  await map.toArray();
  assertEquals(counts(map.progress), {
    phase: "ended",
    total: 1_000,
    done: 500,
    failed: 500,
    running: 0,
  });
});

for (const chunkSize of [1, 10]) {
  Deno.test(`MapResults.progress counts the item that ends a map with chunkSize: ${chunkSize}`, async () => {
    await using pool = new Pool(1);
    const map = pool.map(even, [0, 2, 3, 5], { chunkSize });
    await assertRejects(() => map.toArray(), RangeError, "3 is odd");
    const { done, failed, running, phase, total } = map.progress;
    assertEquals([done, running, phase, total], [2, 0, "ended", 4]);
    // With single items, the one after it may have failed before the map ended.
    assert(failed === 1 || chunkSize === 1 && failed === 2);
  });
}

Deno.test("MapResults.progress keeps the total of a map whose items are taken from several places", async () => {
  await using pool = new Pool(2);
  // Only long items are taken so.
  const task = (x: number, bad: number): number => {
    for (const end = performance.now() + 1; performance.now() < end;);
    if (x === bad) throw new RangeError(`${x} is bad`);
    return x;
  };
  const xs = Array.from({ length: 500 }, (_, x) => x);
  for (const bad of [3, 250]) {
    const map = pool.map(task, xs, new Array(xs.length).fill(bad));
    await assertRejects(() => map.toArray(), RangeError);
    assertEquals([map.progress.total, map.failedIndex], [xs.length, bad]);
  }
});

Deno.test("MapResults.progress doesn't count an error of the inputs", async () => {
  await using pool = new Pool(1);
  const map = pool.map(
    half,
    function* () {
      yield 2;
      throw new Error("no more");
    }(),
  );
  await assertRejects(() => map.toArray(), Error, "no more");
  assertEquals(counts(map.progress), {
    phase: "ended",
    total: undefined,
    done: 1,
    failed: 0,
    running: 0,
  });
});

Deno.test("MapResults.progress has no running items after an early return", async () => {
  await using pool = new Pool(1);
  const map = pool.map(half, [2, 4, 6], { chunkSize: 1 });
  for await (const _ of map) break;
  const { phase, running, total, timeLeft } = map.progress;
  assertEquals([phase, running, total, timeLeft], ["ended", 0, 3, 0]);
});

/** Ways to read a map to its end. */
const READINGS: Record<
  string,
  (map: ReturnType<typeof numbers>) => Promise<unknown>
> = {
  "a loop": (map) => Array.fromAsync(map),
  "toArray()": (map) => map.toArray(),
  "batches()": (map) => Array.fromAsync(map.batches()),
  "forEach()": (map) => map.forEach(() => {}),
  "an early return": (map) => map.return!(),
};

function numbers(pool: Pool, onProgress: (progress: MapProgress) => unknown) {
  return pool.map(half, [2, 4, 6], { onProgress });
}

for (const [name, read] of Object.entries(READINGS)) {
  Deno.test(`onProgress is called at the end of ${name}`, async () => {
    await using pool = new Pool(1);
    const phases: string[] = [];
    const map = numbers(pool, ({ phase }) => phases.push(phase));
    await read(map);
    assertEquals(phases.filter((phase) => phase === "ended"), ["ended"]);
    assertEquals(phases.at(-1), "ended");
  });
}

Deno.test("onProgress is called at the end of a map that fails", async () => {
  await using pool = new Pool(1);
  const ends: number[][] = [];
  const map = pool.map(even, [0, 1], {
    chunkSize: 2,
    onProgress: ({ phase, done, failed }) => {
      if (phase === "ended") ends.push([done, failed]);
    },
  });
  await assertRejects(() => map.toArray(), RangeError);
  assertEquals(ends, [[1, 1]]);
});

Deno.test("onProgress is called while items run", async () => {
  await using pool = new Pool(1);
  const seen = Promise.withResolvers<MapProgress>();
  const stop = new AbortController();
  const map = pool.map(
    async () => await new Promise<void>(() => {}),
    [0, 1, 2],
    { signal: stop.signal, onProgress: seen.resolve },
  );
  const reading = map.toArray();
  const { total, done, phase } = await seen.promise;
  stop.abort();
  await assertRejects(() => reading, DOMException);
  assertEquals([total, done], [3, 0]);
  assert(phase !== "ended");
  assertEquals(map.progress.running, 0);
});

Deno.test("onProgress watches a transform", async () => {
  await using pool = new Pool(1);
  let last: MapProgress | undefined;
  const halves = ReadableStream.from([2, 4, 6])
    .pipeThrough(pool.transform(half, {
      onProgress(progress) {
        last = progress;
      },
    }));
  assertEquals(await Array.fromAsync(halves), [1, 2, 3]);
  assertEquals(last && counts(last), {
    phase: "ended",
    total: 3,
    done: 3,
    failed: 0,
    running: 0,
  });
});

Deno.test("onProgress is called at the end of a transform that is closed before it is read", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const phases: string[] = [];
  const { readable, writable } = pool.transform(half, {
    onProgress: ({ phase }) => phases.push(phase),
  });
  await writable.close();
  assertEquals(await Array.fromAsync(readable), []);
  assertEquals(phases, ["ended"]);
});

Deno.test("Pool.map() refuses an onProgress that isn't a function", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  await assertRejects(
    async () => {
      const onProgress = 5 as unknown as () => void;
      await pool.map(half, [1], { onProgress }).toArray();
    },
    TypeError,
    "'onProgress' must be a function, but is 5",
  );
});
