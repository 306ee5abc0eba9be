/**
 * Conformance tests of how maps read their sources.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
} from "@std/assert";
import {
  double,
  later,
  naturals,
  type Test,
  type TestWith,
  XS,
} from "./conformance_fixture.ts";

/** Tests of maps that are left early. */
function testLeftMaps(test: Test): void {
  test("maps an endless generator and can be left early", async (pool) => {
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

  test("maps an endless async generator and can be left early", async (pool) => {
    const source = later(naturals());
    for await (const result of pool.map(double, source)) {
      if (result === 20) break;
    }
    assertEquals(await source.next(), { done: true, value: undefined });
  });

  test("can be left while its source yields nothing", async (pool) => {
    async function* silent() {
      yield 1;
      await new Promise(() => {});
    }
    for await (const result of pool.map(double, silent())) {
      assertEquals(result, 2);
      break;
    }
  });
}

/** Tests of sources that make a map wait. */
function testSlowSources(test: Test): void {
  for (const ordered of [true, false]) {
    test(`yields results that its source waits for, ordered: ${ordered}`, async (pool) => {
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

  test("loses no items of a source that pauses", async (pool) => {
    async function* stuttering() {
      for (const n of XS) {
        for (let turn = 0; turn < n % 7 - 2; turn++) {
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
        yield n;
      }
    }
    const expected = XS.map(double);
    for (const chunkSize of ["auto", 3] as const) {
      const map = pool.map(double, stuttering(), { chunkSize });
      assertEquals(await Array.fromAsync(map), expected);
    }
    const map = pool.map(double, stuttering(), { ordered: false });
    const results = await map.toArray();
    assertEquals(results.toSorted((a, b) => a - b), expected);
  });
}

/** Tests of items that nobody needs. */
function testUnreadSources(test: Test): void {
  test("drops an item that arrives after the map was left", async (pool) => {
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

  test("takes nothing from its source before it is read", async (pool) => {
    let taken = false;
    function* source() {
      taken = true;
      yield 1;
    }
    pool.map(double, source());
    await pool.run(double, 1);
    assert(!taken);
  });
}

/** Tests of reading ahead. */
function testBackPressure(testWith: TestWith): void {
  testWith(
    "reads its source only as far as the prefetch windows while its reader is busy",
    { prefetch: 1 },
    async (pool) => {
      await pool.ready;
      let taken = 0;
      function* counted() {
        for (const n of naturals()) {
          taken = n + 1;
          yield n;
        }
      }
      const map = pool.map(double, counted(), { chunkSize: 1 });
      const windows = (2 * 2 + 16) * pool.totalWorkers;
      for (let read = 1; read <= 200; read++) {
        assertEquals((await map.next()).value, (read - 1) * 2);
        // While the reader waited, the map may have worked on.
        const most = Math.max(taken, read + windows);
        // This holds however much the workers have done by then.
        await pool.runOnAll(() => {});
        assertLessOrEqual(taken, most);
      }
      assertGreaterOrEqual(taken, 200);
      await map.return?.();
    },
  );

  testWith(
    "queues no calls at workers with prefetch 0",
    { workers: 1, prefetch: 0 },
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

/** Declares these tests. */
export function testSources(test: Test, testWith: TestWith): void {
  testLeftMaps(test);
  testSlowSources(test);
  testUnreadSources(test);
  testBackPressure(testWith);
}
