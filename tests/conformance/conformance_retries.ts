/**
 * Conformance tests of tasks that throw and run again.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { bind, type RetryOptions } from "../../mod.ts";
import { type Test, XS } from "./conformance_fixture.ts";

/** Enough attempts for tasks that throw once in each worker. */
const RETRY: RetryOptions = { attempts: 20, minTimeout: 1, maxTimeout: 5 };

/**
 * A task that throws the first time in each worker, for every third argument.
 *
 * @param test Keeps the tests of a shared pool apart.
 */
const throwFirst = (test: string, x: number): number => {
  const seen = (globalThis as { thrown?: Set<string> }).thrown ??= new Set();
  const key = `${test} ${x}`;
  if (x % 3 > 0 || seen.has(key)) return x * 2;
  seen.add(key);
  throw new RangeError(`first ${x}`);
};

const DOUBLES = XS.map((x) => x * 2);

/** Registers the tests. */
export function testRetries(test: Test): void {
  test("runs calls again that throw", async (pool) => {
    const again = pool.with({ retry: RETRY });
    const calls = XS.map((x) => again.run(throwFirst, "run", x));
    assertEquals(await Promise.all(calls), DOUBLES);
    assertEquals(await again.submit(throwFirst, "submit", 3), 6);
  });

  test("rejects with the last error after all attempts", async (pool) => {
    const again = pool.with({ retry: { ...RETRY, attempts: 3 } });
    const fail = () => {
      throw new RangeError("always");
    };
    const error = await assertRejects(() => again.run(fail), RangeError);
    assertEquals((error as { attempts?: number }).attempts, 3);
    const [item] = await again.map(fail, [1]).settled().toArray();
    assert(item?.status === "rejected");
    assertEquals(item.attempts, 3);
    assertInstanceOf(item.reason, RangeError);
  });

  test("doesn't run what 'when' refuses again", async (pool) => {
    const retry = { ...RETRY, when: (error: unknown) => error !== "enough" };
    const fail = () => {
      throw "enough";
    };
    let reason: unknown;
    try {
      await pool.with({ retry }).run(fail);
    } catch (error) {
      reason = error;
    }
    assertEquals(reason, "enough");
  });

  test("streams a task again that throws before its first value", async (pool) => {
    function* double(x: number): Generator<number> {
      const seen = (globalThis as { streamed?: Set<number> }).streamed ??=
        new Set();
      if (seen.size !== seen.add(x).size) throw new RangeError("first");
      yield* [x, x];
    }
    const stream = pool.with({ retry: RETRY }).stream(double, 7);
    assertEquals(await Array.fromAsync(stream), [7, 7]);
  });

  for (const chunkSize of [1, 10, "auto"] as const) {
    for (const ordered of [true, false]) {
      test(`runs items again in chunks of ${chunkSize}${ordered ? "" : " without order"}`, async (pool) => {
        const name = `map ${chunkSize} ${ordered}`;
        const map = pool.with({ retry: RETRY })
          .map(bind(throwFirst, name), XS, { chunkSize, ordered });
        const results: number[] = [];
        for await (const result of map) results.push(result);
        if (!ordered) results.sort((a, b) => a - b);
        assertEquals(results, DOUBLES);
      });
    }
  }

  test("collects the results of items that run again", async (pool) => {
    const map = pool.with({ retry: RETRY }).map(bind(throwFirst, "all"), XS);
    assertEquals(await map.toArray(), DOUBLES);
  });

  test("ends a map at the item whose attempts are used up", async (pool) => {
    const failAt54 = (x: number): number => {
      if (x === 54) throw new RangeError("oops");
      const seen = (globalThis as { ended?: Set<number> }).ended ??= new Set();
      if (x % 4 > 0 || seen.size === seen.add(x).size) return x;
      throw new RangeError(`first ${x}`);
    };
    for (const chunkSize of [1, 10, "auto"] as const) {
      const map = pool.with({ retry: RETRY }).map(failAt54, XS, { chunkSize });
      const results: number[] = [];
      const error = await assertRejects(async () => {
        for await (const result of map) results.push(result);
      }, RangeError);
      assertEquals(error.message, "oops");
      assertEquals((error as { attempts?: number }).attempts, RETRY.attempts);
      assertEquals(map.failedIndex, 54);
      assertEquals(results, XS.slice(0, 54));
    }
  });
}
