/**
 * Conformance tests of limits to the memory of workers.
 *
 * @module
 */

import { assertEquals, assertInstanceOf } from "@std/assert";
import { OutOfMemoryError } from "../../mod.ts";
import { type TestWith, XS } from "./conformance_fixture.ts";

/** An item that fills its worker's memory. */
const GREEDY = 50;

/** Registers the tests. */
export function testMemoryLimits(testWith: TestWith): void {
  testWith("answers everything else when an item uses too much memory", {
    maxMemory: "256M",
  }, async (pool) => {
    const task = (x: number, greedy: number) => {
      const hoard: number[][] = [];
      while (x === greedy) hoard.push(new Array(1_000).fill(x));
      return x * 2;
    };
    const map = pool.with({ retries: 1 })
      .map(task, XS.map((x): [number, number] => [x, GREEDY]), {
        spread: true,
      });
    for (const item of await map.settled().toArray()) {
      if (item.status === "fulfilled") {
        assertEquals(item.value, item.index * 2);
        continue;
      }
      assertEquals(item.index, GREEDY);
      assertInstanceOf(item.reason, OutOfMemoryError);
      const { task, tries, maxMemory } = item.reason;
      assertEquals([task, tries, maxMemory], ["task", 2, 256e6]);
    }
  }, "processes");
}
