/**
 * Conformance: maps, and how they end.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { bind } from "../mod.ts";
import {
  combine,
  COMBINED,
  double,
  later,
  naturals,
  tasks,
  type Test,
  type TestWith,
  XS,
  XYZ,
  YS,
  ZS,
} from "./conformance_fixture.ts";
import { Gate, passGate } from "./gate.ts";

export function testOrderedMaps(test: Test): void {
  test("maps one iterable in order", async (pool) => {
    assertEquals(await Array.fromAsync(pool.map(double, XS)), XS.map(double));
  });

  test("maps three iterables in order", async (pool) => {
    assertEquals(
      await Array.fromAsync(pool.map(combine, XS, YS, ZS)),
      COMBINED,
    );
  });

  test("maps lists of arguments", async (pool) => {
    const map = pool.map(combine, XYZ, { star: true });
    assertEquals(await Array.fromAsync(map), COMBINED);
  });

  test("maps one iterable in chunks of 7", async (pool) => {
    const map = pool.map(double, XS, { chunksize: 7 });
    assertEquals(await Array.fromAsync(map), XS.map(double));
  });

  test("maps three iterables in chunks of 10", async (pool) => {
    const map = pool.map(combine, XS, YS, ZS, { chunksize: 10 });
    assertEquals(await map.toArray(), COMBINED);
  });

  test("maps an async iterator of lists of arguments", async (pool) => {
    const map = pool.map(combine, later(XYZ), { star: true });
    assertEquals(await Array.fromAsync(map), COMBINED);
  });

  test("maps sync and async iterators mixed", async (pool) => {
    const map = pool.map(combine, later(XS), later(YS), ZS);
    assertEquals(await Array.fromAsync(map), COMBINED);
  });

  test("maps sync and async iterators mixed in chunks of 10", async (pool) => {
    const map = pool.map(combine, later(XS), later(YS), ZS, { chunksize: 10 });
    assertEquals(await map.toArray(), COMBINED);
  });

  test("maps until the shortest iterable ends", async (pool) => {
    const add = (a: number, b: number) => a + b;
    assertEquals(await pool.map(add, naturals(), [1, 2]).toArray(), [1, 3]);
    assertEquals(await pool.map(add, [1, 2], later([5])).toArray(), [6]);
    assertEquals(await pool.map(add, [], [1]).toArray(), []);
  });

  test("maps async tasks in chunks", async (pool) => {
    const wait = async (x: number) => {
      await new Promise((resolve) => setTimeout(resolve, x % 3));
      return x;
    };
    assertEquals(await pool.map(wait, XS, { chunksize: 9 }).toArray(), XS);
  });

  test("maps without order to the same results", async (pool) => {
    const map = pool.map(tasks.later, XS, { ordered: false, chunksize: 3 });
    const results = await map.toArray();
    assertEquals(results.toSorted((a, b) => a - b), XS);
  });

  test("gives results to several next() calls in order", async (pool) => {
    const map = pool.map(double, [1, 2]);
    const steps = await Promise.all([map.next(), map.next(), map.next()]);
    assertEquals(steps, [
      { done: false, value: 2 },
      { done: false, value: 4 },
      { done: true, value: undefined },
    ]);
  });

  test("does several maps at once", async (pool) => {
    const maps = [1, 2, 3].map((factor) =>
      pool.map(bind((f: number, x: number) => f * x, factor), XS).toArray()
    );
    assertEquals(
      await Promise.all(maps),
      [1, 2, 3].map((factor) => XS.map((x) => factor * x)),
    );
  });
}

export function testUnboundedMaps(test: Test, testWith: TestWith): void {
  test("maps an unbounded generator, left early", async (pool) => {
    let closed = false;
    function* unbounded() {
      try {
        yield* naturals();
      } finally {
        closed = true;
      }
    }
    const results: number[] = [];
    for await (const result of pool.map(double, unbounded())) {
      results.push(result);
      if (results.length === 1_000) break;
    }
    assertEquals(results, Array.from({ length: 1_000 }, (_, n) => n * 2));
    assert(closed);
    assertEquals(await pool.run(double, 1), 2);
  });

  test("maps an unbounded async generator, left early", async (pool) => {
    const source = later(naturals());
    for await (const result of pool.map(double, source)) {
      if (result === 20) break;
    }
    assertEquals(await source.next(), { done: true, value: undefined });
  });

  test("can leave a map whose source gives nothing more", async (pool) => {
    async function* silent() {
      yield 1;
      await new Promise(() => {});
    }
    for await (const result of pool.map(double, silent())) {
      assertEquals(result, 2);
      break;
    }
  });

  for (const ordered of [true, false]) {
    test(`gives results of a source that waits until they were read, ordered: ${ordered}`, async (pool) => {
      const results: number[] = [];
      let read = Promise.withResolvers<void>();
      async function* answering() {
        for (const n of XS) {
          yield n;
          while (results.length <= n) await read.promise;
        }
      }
      for await (const result of pool.map(double, answering(), { ordered })) {
        results.push(result);
        read.resolve();
        read = Promise.withResolvers();
      }
      assertEquals(results, XS.map(double));
    });
  }

  test("loses nothing of a source that stops and goes on", async (pool) => {
    async function* stuttering() {
      for (const n of XS) {
        for (let turn = 0; turn < n % 7 - 2; turn++) {
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
        yield n;
      }
    }
    const expected = XS.map(double);
    for (const chunksize of ["auto", 3] as const) {
      const map = pool.map(double, stuttering(), { chunksize });
      assertEquals(await Array.fromAsync(map), expected);
    }
    const map = pool.map(double, stuttering(), { ordered: false });
    const results = await map.toArray();
    assertEquals(results.toSorted((a, b) => a - b), expected);
  });

  test("drops what a source gives after its map was left", async (pool) => {
    const late = Promise.withResolvers<void>();
    let asked = 0;
    async function* source() {
      for (const n of naturals()) {
        asked++;
        if (n === 3) await late.promise;
        yield n;
      }
    }
    const results: number[] = [];
    for await (const result of pool.map(double, source())) {
      results.push(result);
      if (results.length === 3) break;
    }
    late.resolve();
    assertEquals(await pool.run(double, 1), 2);
    assertEquals([results, asked], [[0, 2, 4], 4]);
  });

  test("ends a map at its time-out while its source owes an item", async (pool) => {
    async function* silent() {
      yield* [1, 2];
      await new Promise(() => {});
    }
    const map = pool.map(double, silent(), { timeout: 50 });
    const results: number[] = [];
    const error = await assertRejects(async () => {
      for await (const result of map) results.push(result);
    }, DOMException);
    assertEquals(error.name, "TimeoutError");
    assertEquals(results, [2, 4].slice(0, results.length));
  });

  testWith(
    "reads a source only as far as the windows go",
    { qsize: 2 },
    async (pool) => {
      await pool.ready;
      let taken = 0;
      function* counted() {
        for (const n of naturals()) {
          taken = n + 1;
          yield n;
        }
      }
      const map = pool.map(double, counted(), { chunksize: 1 });
      const windows = (2 * 2 + 16) * pool.totalWorkers;
      for (let read = 1; read <= 200; read++) {
        assertEquals((await map.next()).value, (read - 1) * 2);
        // Whatever the workers have done by then.
        await pool.runOnAll(() => {});
        assertLessOrEqual(taken, read + windows);
      }
      assertGreaterOrEqual(taken, 200);
      await map.return?.();
    },
  );

  test("takes nothing from a source that is not read", async (pool) => {
    let taken = false;
    function* source() {
      taken = true;
      yield 1;
    }
    pool.map(double, source());
    await pool.run(double, 1);
    assert(!taken);
  });

  test("gives results without order as they are ready", async (pool) => {
    await using gate = new Gate();
    const map = pool.map(
      passGate<string>,
      [gate.port, 0],
      ["waits", "doesn't"],
      { ordered: false, chunksize: 1 },
    );
    const first = map.next();
    await gate.entered();
    assertEquals((await first).value, "doesn't");
    gate.open();
    assertEquals((await map.next()).value, "waits");
    assertEquals((await map.next()).done, true);
  });

  test("ends a map at its time-out", async (pool) => {
    await using gate = new Gate();
    const map = pool.map(
      passGate<number>,
      naturals().map((n) => n < 3 ? 0 : gate.port),
      naturals(),
      { timeout: 50, chunksize: 1 },
    );
    const results: number[] = [];
    const error = await assertRejects(async () => {
      for await (const result of map) results.push(result);
    }, DOMException);
    assertEquals(error.name, "TimeoutError");
    assertStringIncludes(error.message, "50 ms");
    assertLessOrEqual(results.length, 3);
    assertEquals(await map.next(), { done: true, value: undefined });
  });

  testWith("overlaps async tasks up to the concurrency", {
    workers: 1,
    concurrency: 8,
  }, async (pool) => {
    const overlap = async () => {
      const global = globalThis as { active?: number };
      global.active = (global.active ?? 0) + 1;
      const active = global.active;
      await new Promise((resolve) => setTimeout(resolve, 5));
      global.active--;
      return active;
    };
    for (const chunksize of [1, 20]) {
      const seen = await pool.map(overlap, XS.map(() => []), {
        star: true,
        chunksize,
      }).toArray();
      assertEquals(Math.max(...seen), 8);
    }
  });

  testWith(
    "overlaps no async tasks by default",
    { workers: 1 },
    async (pool) => {
      const overlap = async () => {
        const global = globalThis as { active?: number };
        global.active = (global.active ?? 0) + 1;
        await new Promise((resolve) => setTimeout(resolve, 1));
        return global.active--;
      };
      const seen = await Promise.all(XS.map(() => pool.run(overlap)));
      assertEquals(new Set(seen), new Set([1]));
    },
  );

  testWith(
    "queues nothing at workers with qsize 1",
    { workers: 1, qsize: 1 },
    async (pool) => {
      assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
      const running = XS.map(() => pool.submit(() => 1));
      await running[0];
      await new Promise((resolve) => setTimeout(resolve, 0));
      const sent = running.filter((future) => future.running()).length;
      assertLessOrEqual(sent, pool.totalWorkers);
      await Promise.all(running);
    },
  );
}

export function testFailingMaps(test: Test): void {
  const failAt = (x: number) => {
    if (x === 50) throw new RangeError("at 50");
    return x;
  };

  for (const chunksize of [1, 7, "auto"] as const) {
    test(`throws in the middle of a map in chunks of ${chunksize}`, async (pool) => {
      const results: number[] = [];
      const map = pool.map(failAt, naturals(), { chunksize });
      await assertRejects(
        async () => {
          for await (const result of map) results.push(result);
        },
        RangeError,
        "at 50",
      );
      assertEquals(results, XS.slice(0, 50));
      assertEquals(await map.next(), { done: true, value: undefined });
    });
  }

  test("names the item's result that can't be sent in a chunk", async (pool) => {
    const give = (x: number) => x === 5 ? () => x : x;
    const results: unknown[] = [];
    const map = pool.map(give, XS, { chunksize: 10 });
    const error = await assertRejects(async () => {
      for await (const result of map) results.push(result);
    }, DOMException);
    assertStringIncludes(error.message, "result is a function");
    assertEquals(results, [0, 1, 2, 3, 4]);
  });

  for (const kind of ["sync", "async"]) {
    test(`throws what a ${kind} iterable throws, after its results`, async (pool) => {
      function* failing() {
        yield* [1, 2, 3];
        throw new URIError("the source failed");
      }
      const results: number[] = [];
      const source = kind === "sync" ? failing() : later(failing());
      await assertRejects(
        async () => {
          for await (const result of pool.map(double, source)) {
            results.push(result);
          }
        },
        URIError,
        "the source failed",
      );
      assertEquals(results, [2, 4, 6]);
    });
  }

  test("closes its source when the task throws", async (pool) => {
    let closed = false;
    function* source() {
      try {
        yield* naturals();
      } finally {
        closed = true;
      }
    }
    await assertRejects(() => pool.map(failAt, source()).toArray(), RangeError);
    assert(closed);
  });
}
