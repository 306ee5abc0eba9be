/**
 * Conformance tests of limits to how long tasks may run.
 *
 * @module
 */

import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { double, type Test, XS } from "./conformance_fixture.ts";

const NEVER = () => new Promise<never>(() => {});

/** Registers the tests. */
export function testRunTimeouts(test: Test): void {
  test("ends a task that runs too long", async (pool) => {
    const limited = pool.with({ runTimeout: 100 });
    const error = await assertRejects(
      () => limited.run(NEVER),
      DOMException,
      "'runTimeout' of 100 ms",
    );
    assertEquals(error.name, "TimeoutError");
    assertEquals(await pool.run(double, 2), 4);
  });

  test("ends a task that blocks its worker for too long", async (pool) => {
    const limited = pool.with({ runTimeout: 100 });
    const loop = () => {
      for (;;);
    };
    await assertRejects(() => limited.run(loop), DOMException, "100 ms");
    assertEquals(await pool.run(double, 2), 4);
  }, "processes");

  test("rejects only the item of a settled map that runs too long", async (pool) => {
    const task = async (x: number) => {
      if (x === 7) await new Promise<never>(() => {});
      return x;
    };
    const map = pool.with({ runTimeout: 1_000 }).map(task, XS.slice(0, 10));
    for (const item of await map.settled().toArray()) {
      if (item.status === "fulfilled") assertEquals(item.value, item.index);
      else {
        assertEquals(item.index, 7);
        assertInstanceOf(item.reason, DOMException);
        assertEquals(item.reason.name, "TimeoutError");
      }
    }
  });

  test("runs many tasks within their time", async (pool) => {
    const limited = pool.with({ runTimeout: 60_000 });
    const doubled = XS.map((x) => limited.run(double, x));
    assertEquals(await Promise.all(doubled), XS.map(double));
    assertEquals(await limited.map(double, XS).toArray(), XS.map(double));
  });
}
