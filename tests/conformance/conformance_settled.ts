/**
 * Conformance tests of maps that go on after items that fail.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { SettledItem } from "../../mod.ts";
import {
  naturals,
  streamTasks,
  type Test,
  type TestWith,
  XS,
} from "./conformance_fixture.ts";

const failAtSevens = (x: number) => {
  if (x % 7 === 0) throw new RangeError(`bad ${x}`);
  return x * 2;
};

/** Returns how an item of {@linkcode failAtSevens} ends, in words. */
function expected(x: number): string {
  return x % 7 === 0 ? `${x}: RangeError: bad ${x}` : `${x}: ${x * 2}`;
}

function inWords(item: SettledItem<unknown>): string {
  return item.status === "fulfilled"
    ? `${item.index}: ${item.value}`
    : `${item.index}: ${item.reason}`;
}

/** Registers the tests. */
export function testSettledMaps(test: Test, testWith: TestWith): void {
  for (const chunkSize of [1, 10, "auto"] as const) {
    for (const ordered of [true, false]) {
      test(`settles each item of a map in chunks of ${chunkSize}${ordered ? "" : " without order"}`, async (pool) => {
        const map = pool.map(failAtSevens, XS, { chunkSize, ordered });
        const items = await map.settled().toArray();
        if (!ordered) items.sort((a, b) => a.index - b.index);
        assertEquals(items.map(inWords), XS.map(expected));
        assertEquals(map.failedIndex, undefined);
      });
    }
  }

  test("settles the items of async tasks that run at once", async (pool) => {
    const later = async (x: number) => {
      await new Promise((resolve) => setTimeout(resolve, x % 3));
      if (x % 7 === 0) throw new RangeError(`bad ${x}`);
      return x * 2;
    };
    const map = pool.map(later, XS, { chunkSize: 25 });
    assertEquals(
      (await map.settled().toArray()).map(inWords),
      XS.map(expected),
    );
  });

  testWith("settles the items of a chunk that run at once", {
    concurrency: 4,
  }, async (pool) => {
    const later = async (x: number) => {
      await new Promise((resolve) => setTimeout(resolve, x % 3));
      if (x % 7 === 0) throw new RangeError(`bad ${x}`);
      return x * 2;
    };
    const map = pool.map(later, XS, { chunkSize: 25 });
    assertEquals(
      (await map.settled().toArray()).map(inWords),
      XS.map(expected),
    );
  });

  test("settles items and results that can't be sent", async (pool) => {
    const items = XS.map((x) => x % 10 === 3 ? () => x : x);
    const give = (x: unknown) => x as number % 10 === 5 ? () => x : x;
    const map = pool.map(give, items, { chunkSize: 20 });
    const settled = await map.settled().toArray();
    for (const [index, item] of settled.entries()) {
      assertEquals(item.index, index);
      const isBad = index % 10 === 3 || index % 10 === 5;
      assertEquals(item.status, isBad ? "rejected" : "fulfilled");
      if (item.status === "rejected") {
        assertInstanceOf(item.reason, DOMException);
        assertEquals(item.reason.name, "DataCloneError");
      } else assertEquals<unknown>(item.value, index);
    }
  });

  test("settles items whose tasks throw what can't be sent", async (pool) => {
    const fail = (x: number) => {
      if (x === 3) throw { f: () => x };
      return x;
    };
    const map = pool.map(fail, [1, 2, 3, 4], { chunkSize: 4 }).settled();
    const settled = await map.toArray();
    assertEquals(
      settled.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected", "fulfilled"],
    );
  });

  test("settles the large results of a chunk", async (pool) => {
    const give = (x: number) => {
      if (x % 3 === 0) throw new RangeError(`bad ${x}`);
      return new Uint8Array(400_000).fill(x);
    };
    const map = pool.map(give, XS.slice(0, 20), { chunkSize: 20 }).settled();
    let index = 0;
    for await (const item of map) {
      assertEquals(item.index, index);
      if (index % 3 === 0) assert(item.status === "rejected");
      else assertEquals(item.status === "fulfilled" && item.value[9], index);
      index++;
    }
    assertEquals(index, 20);
  });

  test("ends a settled map with all errors if too many items fail", async (pool) => {
    const map = pool.map(failAtSevens, naturals());
    const error = await assertRejects(
      () => map.settled({ maxFailures: 5 }).toArray(),
      AggregateError,
      "'maxFailures' is 5",
    );
    assert(error.errors.length >= 6);
    for (const each of error.errors) assertInstanceOf(each, RangeError);
    const share = pool.map(failAtSevens, XS).settled({ maxFailures: 0.1 });
    await assertRejects(() => share.toArray(), AggregateError, "is 0.1");
    const few = pool.map(failAtSevens, XS).settled({ maxFailures: 0.2 });
    assertEquals((await few.toArray()).length, XS.length);
  });

  test("ends a settled map with the error of its source", async (pool) => {
    function* source() {
      yield* [7, 8];
      throw new TypeError("dry");
    }
    const seen: string[] = [];
    await assertRejects(
      () =>
        pool.map(failAtSevens, source()).settled().forEach((item) => {
          seen.push(inWords(item));
        }),
      TypeError,
      "dry",
    );
    assertEquals(seen, ["0: RangeError: bad 7", "1: 16"]);
  });

  test("settles only maps that haven't started", async (pool) => {
    const map = pool.map(failAtSevens, [1, 2]);
    await map.next();
    const error = assertThrows(() => map.settled(), DOMException);
    assertEquals(error.name, "InvalidStateError");
    await map.return!();
  });

  test("refuses what yields values in a settled map", async (pool) => {
    for (const chunkSize of [1, 3]) {
      const map = pool.map(streamTasks.count, [3, 3, 3], { chunkSize })
        .settled();
      for await (const item of map) {
        assert(item.status === "rejected");
        assertStringIncludes(String(item.reason), "generator");
      }
    }
  });

  for (const chunkSize of [1, 7, "auto"] as const) {
    test(`reports which item has ended a map in chunks of ${chunkSize}`, async (pool) => {
      const failAt = (x: number) => {
        if (x === 54) throw new RangeError("oops");
        return x;
      };
      const map = pool.map(failAt, XS, { chunkSize });
      assertEquals(map.failedIndex, undefined);
      await assertRejects(() => map.toArray(), RangeError);
      assertEquals(map.failedIndex, 54);
    });
  }
}
