/**
 * Conformance tests of maps whose tasks yield values.
 *
 * @module
 */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import {
  double,
  marks,
  naturals,
  pids,
  readUntilError,
  streamTasks as tasks,
  type Test,
  type TestWith,
  XS,
} from "./conformance_fixture.ts";

/** How many values an item yields. */
const lengthOf = (x: number) => x % 5;

/** All values of the items. */
const VALUES = XS.flatMap((x) =>
  Array.from({ length: lengthOf(x) }, (_, at) => x * 10 + at)
);

/** The sizes of chunks to try. */
const CHUNK_SIZES = [1, 7, "auto"] as const;

/** Tests of the order of values. */
function testValues(test: Test): void {
  test("flattens what generators yield", async (pool) => {
    for (const chunkSize of CHUNK_SIZES) {
      const map = pool.map(tasks.digits, XS, { chunkSize });
      assertEquals(await Array.fromAsync(map), VALUES);
      const list = pool.map(tasks.digits, XS, { chunkSize });
      assertEquals(await list.toArray(), VALUES);
    }
  });

  test("flattens what generators yield without order", async (pool) => {
    for (const chunkSize of CHUNK_SIZES) {
      const options = { chunkSize, ordered: false };
      const values = await pool.map(tasks.digits, XS, options).toArray();
      assertEquals(values.toSorted((a, b) => a - b), VALUES);
      // The values of an item stay in order.
      const last = new Map<number, number>();
      for (const value of values) {
        const item = Math.floor(value / 10);
        assert(value > (last.get(item) ?? -1), `${value} came late`);
        last.set(item, value);
      }
    }
  });

  test("flattens async generators and streams", async (pool) => {
    for (const chunkSize of CHUNK_SIZES) {
      const later = pool.map(tasks.digitsLater, XS, { chunkSize });
      assertEquals(await Array.fromAsync(later), VALUES);
      const streams = pool.map(tasks.digitStream, XS, { chunkSize });
      assertEquals(await Array.fromAsync(streams), VALUES);
    }
  });

  test("flattens only some results of a map", async (pool) => {
    for (const chunkSize of CHUNK_SIZES) {
      const map = pool.map(tasks.digitsOrNumber, XS, { chunkSize });
      const expected = XS.flatMap((x) => x % 3 === 0 ? [x * 10, -x] : [x]);
      assertEquals(await Array.fromAsync(map), expected);
    }
  });

  test("flattens items with many values among others", async (pool) => {
    const lengths = [0, 30_000, 1, 0, 0, 2, 10_000, 3];
    const map = pool.map(tasks.count, lengths, { chunkSize: 2 });
    const expected = lengths.flatMap((n) => naturals().take(n).toArray());
    assertEquals(await map.toArray(), expected);
  });
}

/** Tests of maps that end early. */
function testFlatEnds(test: Test, testWith: TestWith): void {
  for (const ordered of [true, false]) {
    test(`runs the cleanup of generators when a map is left, ordered: ${ordered}`, async (pool) => {
      const before = await pids(pool);
      let read = 0;
      const options = { ordered, chunkSize: 2 };
      for await (const _ of pool.map(tasks.markedCount, XS, options)) {
        if (++read === 10_000) break;
      }
      const closed = await marks(pool);
      assert(closed.length > 0 && closed.every((mark) => mark === "closed"));
      assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
      assertEquals(await pids(pool), before, "a worker was replaced");
    });
  }

  testWith("runs the cleanup of all items that overlap when a map is left", {
    concurrency: 4,
  }, async (pool) => {
    const before = await pids(pool);
    let read = 0;
    const options = { chunkSize: 4 };
    const map = pool.map(tasks.markedCountSoon, [20_000, 0, 0, 0, 0], options);
    for await (const _ of map) {
      // The second item is being read.
      if (++read === 25_000) break;
    }
    const closed = await marks(pool);
    assert(closed.length >= 2 && closed.every((mark) => mark === "closed"));
    assertEquals(await pids(pool), before, "a worker was replaced");
  });

  test("keeps the worker when a map is left that waits for its reader", async (pool) => {
    const before = await pids(pool);
    const items = naturals().take(5_000).toArray();
    const options = { chunkSize: items.length };
    const map = pool.map(tasks.digitsOrNumber, items, options);
    assertEquals((await map.next()).value, 0);
    // It waits until no task runs.
    await pool.runOnAll(double, 1);
    await map.return?.();
    assertEquals(await pool.map(double, XS).toArray(), XS.map(double));
    assertEquals(await pids(pool), before, "a worker was replaced");
  });

  test("throws in the middle of flattened values", async (pool) => {
    // Now all workers have the module.
    await marks(pool);
    for (const chunkSize of [1, 10]) {
      const map = pool.map(tasks.digitsUntil50, naturals(), { chunkSize });
      const { values, error } = await readUntilError(map);
      assert(error instanceof RangeError, Deno.inspect(error));
      assertEquals(error.message, "at 50");
      const before = VALUES.filter((value) => value < 500);
      assertEquals(values, [...before, 500]);
    }
  });

  test("takes no more values than the windows hold", async (pool) => {
    const map = pool.map(tasks.countForever, [0, 0, 0].map((): [] => []), {
      spread: true,
      chunkSize: 1,
    });
    for (let read = 0; read < 20_000;) {
      for (let n = 0; n < 5_000; n++) {
        assertEquals((await map.next()).value, read++);
      }
      const yielded = await pool.runOnAll(tasks.counted);
      assertLessOrEqual(Math.max(...yielded), read + 2 * 4_096);
    }
    await map.return?.();
  });
}

/** Declares these tests. */
export function testFlattening(test: Test, testWith: TestWith): void {
  testValues(test);
  testFlatEnds(test, testWith);
}
