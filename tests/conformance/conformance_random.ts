/**
 * Conformance tests of random numbers.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { TaskThis } from "../../mod.ts";
import { makePhilox } from "../../src/util/philox.ts";
import { type Test, XS } from "./conformance_fixture.ts";

function draw(this: TaskThis): number {
  return this.random();
}

/** Registers the tests. */
export function testRandomNumbers(test: Test): void {
  test("gives calls random numbers that follow from the seed and their index", async (pool) => {
    const expected = XS.map((index) => makePhilox([77, 0], index)());
    for (const chunkSize of [1, 9, "auto"] as const) {
      const map = pool.with({ seed: 77 }).map(draw, XS, { chunkSize });
      assertEquals(await map.toArray(), expected);
    }
    const runner = pool.with({ seed: 77 });
    assertEquals(await Promise.all(XS.map(() => runner.run(draw))), expected);
  });

  test("gives calls other random numbers each time without a seed", async (pool) => {
    const numbers = await pool.map(draw, [...XS, ...XS]).toArray();
    assertEquals(new Set(numbers).size, XS.length * 2);
  });
}
