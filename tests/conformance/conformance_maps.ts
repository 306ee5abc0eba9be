/**
 * Conformance tests of maps and their ends.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { bind } from "../../mod.ts";
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
import { Gate, passGate } from "../helpers/gate.ts";

/** Tests of inputs. */
function testInputs(test: Test): void {
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
    const map = pool.map(combine, XYZ, { spread: true });
    assertEquals(await Array.fromAsync(map), COMBINED);
  });

  test("maps an async iterator of lists of arguments", async (pool) => {
    const map = pool.map(combine, later(XYZ), { spread: true });
    assertEquals(await Array.fromAsync(map), COMBINED);
  });

  test("maps until the shortest iterable ends", async (pool) => {
    const add = (a: number, b: number) => a + b;
    assertEquals(await pool.map(add, naturals(), [1, 2]).toArray(), [1, 3]);
    assertEquals(await pool.map(add, [1, 2], later([5])).toArray(), [6]);
    assertEquals(await pool.map(add, [], [1]).toArray(), []);
  });

  test("maps sync and async iterators mixed", async (pool) => {
    const map = pool.map(combine, later(XS), later(YS), ZS);
    assertEquals(await Array.fromAsync(map), COMBINED);
  });
}

/** Tests of chunks. */
function testChunks(test: Test): void {
  test("maps one iterable in chunks of 7", async (pool) => {
    const map = pool.map(double, XS, { chunkSize: 7 });
    assertEquals(await Array.fromAsync(map), XS.map(double));
  });

  test("maps three iterables in chunks of 10", async (pool) => {
    const map = pool.map(combine, XS, YS, ZS, { chunkSize: 10 });
    assertEquals(await map.toArray(), COMBINED);
  });

  test("maps sync and async iterators mixed in chunks of 10", async (pool) => {
    const map = pool.map(combine, later(XS), later(YS), ZS, { chunkSize: 10 });
    assertEquals(await map.toArray(), COMBINED);
  });

  test("maps async tasks in chunks", async (pool) => {
    const wait = async (x: number) => {
      await new Promise((resolve) => setTimeout(resolve, x % 3));
      return x;
    };
    assertEquals(await pool.map(wait, XS, { chunkSize: 9 }).toArray(), XS);
  });
}

/** Tests of the other ways to read results. */
function testReading(test: Test): void {
  test("reads results in batches and by a callback", async (pool) => {
    for (const chunkSize of [1, 7, "auto"] as const) {
      const inBatches: number[] = [];
      const map = pool.map(double, XS, { chunkSize });
      for await (const batch of map.batches()) {
        assert(batch.length > 0);
        inBatches.push(...batch);
      }
      assertEquals(inBatches, XS.map(double));
      const one: number[] = [];
      await pool.map(double, XS, { chunkSize }).forEach((y, index) => {
        one[index] = y;
      });
      assertEquals(one, XS.map(double));
    }
  });

  test("leaves a loop over batches of an endless source", async (pool) => {
    let closed = false;
    function* source() {
      try {
        yield* naturals();
      } finally {
        closed = true;
      }
    }
    const read: number[] = [];
    for await (const batch of pool.map(double, source()).batches()) {
      read.push(...batch);
      if (read.length >= 100) break;
    }
    assertEquals(read.slice(0, 100), XS.map(double));
    assert(closed);
  });

  test("throws an error after the batches before it", async (pool) => {
    const failAt = (x: number) => {
      if (x === 45) throw new RangeError("oops");
      return x;
    };
    const map = pool.map(failAt, XS, { chunkSize: 10 });
    const read: number[] = [];
    await assertRejects(async () => {
      for await (const batch of map.batches()) read.push(...batch);
    }, RangeError);
    assertEquals(read, XS.slice(0, 45));
    const called: number[] = [];
    const other = pool.map(failAt, XS, { chunkSize: 10 });
    await assertRejects(
      () => other.forEach((result) => called.push(result)),
      RangeError,
    );
    assertEquals(called, XS.slice(0, 45));
  });
}

/** Tests of the order of results. */
function testOrder(test: Test): void {
  test("yields the same results without order", async (pool) => {
    const map = pool.map(tasks.later, XS, { ordered: false, chunkSize: 3 });
    const results = await map.toArray();
    assertEquals(results.toSorted((a, b) => a - b), XS);
  });

  test("answers several next() calls in order", async (pool) => {
    const map = pool.map(double, [1, 2]);
    const steps = await Promise.all([map.next(), map.next(), map.next()]);
    assertEquals(steps, [
      { done: false, value: 2 },
      { done: false, value: 4 },
      { done: true, value: undefined },
    ]);
  });

  test("runs several maps at once", async (pool) => {
    const maps = [1, 2, 3].map((factor) =>
      pool.map(bind((f: number, x: number) => f * x, factor), XS).toArray()
    );
    assertEquals(
      await Promise.all(maps),
      [1, 2, 3].map((factor) => XS.map((x) => factor * x)),
    );
  });

  test("yields results as they are ready without order", async (pool) => {
    await using gate = new Gate();
    const map = pool.map(
      passGate<string>,
      [gate.port, 0],
      ["waits", "doesn't"],
      { ordered: false, chunkSize: 1 },
    );
    const first = map.next();
    await gate.entered();
    assertEquals((await first).value, "doesn't");
    gate.open();
    assertEquals((await map.next()).value, "waits");
    assertEquals((await map.next()).done, true);
  }, "several workers");
}

/** Tests of concurrency. */
function testOverlap(testWith: TestWith): void {
  testWith("runs as many async tasks at a time as the concurrency", {
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
    for (const chunkSize of [1, 20]) {
      const seen = await pool.map(overlap, XS.map(() => []), {
        spread: true,
        chunkSize,
      }).toArray();
      assertEquals(Math.max(...seen), 8);
    }
  });

  testWith(
    "runs one async task at a time by default",
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
}

/** Tests of timeouts. */
function testMapTimeouts(test: Test): void {
  test("ends a map at its timeout while it waits for an item", async (pool) => {
    await pool.ready;
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

  test("ends a map at its timeout", async (pool) => {
    await pool.ready;
    await using gate = new Gate();
    const map = pool.map(
      passGate<number>,
      naturals().map((n) => n < 3 ? 0 : gate.port),
      naturals(),
      { timeout: 50, chunkSize: 1 },
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
}

/** Tests of tasks that throw. */
function testFailingTasks(test: Test): void {
  const failAt = (x: number) => {
    if (x === 50) throw new RangeError("at 50");
    return x;
  };

  for (const chunkSize of [1, 7, "auto"] as const) {
    test(`throws in the middle of a map in chunks of ${chunkSize}`, async (pool) => {
      const results: number[] = [];
      const map = pool.map(failAt, naturals(), { chunkSize });
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

  test("names the item of a chunk whose result can't be sent", async (pool) => {
    const give = (x: number): unknown => x === 5 ? () => x : x;
    const results: unknown[] = [];
    const map = pool.map(give, XS, { chunkSize: 10 });
    const error = await assertRejects(async () => {
      for await (const result of map) results.push(result);
    }, DOMException);
    assertStringIncludes(error.message, "result is a function");
    assertEquals(results, [0, 1, 2, 3, 4]);
  });

  test("closes its source if the task throws", async (pool) => {
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

/** Tests of sources that throw. */
function testFailingSources(test: Test): void {
  for (const kind of ["sync", "async"]) {
    test(`throws the error of a ${kind} iterable after its results`, async (pool) => {
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
}

/** Tests of maps between two streams. */
function testTransforms(test: Test): void {
  test("transforms a stream in order", async (pool) => {
    const results = ReadableStream.from(XS).pipeThrough(pool.transform(double));
    assertEquals(await Array.fromAsync(results), XS.map(double));
  });

  test("transforms an endless stream until its reader leaves", async (pool) => {
    const source = ReadableStream.from(naturals());
    const results: number[] = [];
    for await (const result of source.pipeThrough(pool.transform(double))) {
      if (results.push(result) === XS.length) break;
    }
    assertEquals(results, XS.map(double));
  });

  test("ends both sides of a transform when its task throws", async (pool) => {
    const { readable, writable } = pool.transform((x: number) => {
      if (x === 2) throw new URIError("not 2");
      return x;
    });
    const pipe = ReadableStream.from(naturals()).pipeTo(writable);
    const results: number[] = [];
    const read = async () => {
      for await (const result of readable) results.push(result);
    };
    await Promise.all([
      assertRejects(() => pipe, URIError, "not 2"),
      assertRejects(read, URIError, "not 2"),
    ]);
    assertEquals(results, [0, 1]);
  });
}

/** Declares these tests. */
export function testMaps(test: Test, testWith: TestWith): void {
  testInputs(test);
  testChunks(test);
  testReading(test);
  testOrder(test);
  testOverlap(testWith);
  testMapTimeouts(test);
  testFailingTasks(test);
  testFailingSources(test);
  testTransforms(test);
}
