/**
 * Conformance tests of limits to how many tasks a worker runs.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type TestWith, XS } from "./conformance_fixture.ts";

/** How many tasks a worker runs. */
const MOST = 7;

/** A task: returns its argument, its worker, and how many tasks that has run. */
const count = (x: number): [number, number, number] => {
  const world = globalThis as { tasks?: number };
  world.tasks = (world.tasks ?? 0) + 1;
  return [x, Deno.pid, world.tasks];
};

/** Registers the tests. */
export function testTurnover(testWith: TestWith): void {
  testWith("replaces workers that have run 'maxTasksPerWorker' tasks", {
    maxTasksPerWorker: MOST,
  }, async (pool) => {
    const calls = XS.slice(0, 30).map((x) => pool.run(count, x));
    const results = [
      await pool.map(count, XS).toArray(),
      await pool.map(count, XS, { chunkSize: MOST + 3 }).toArray(),
      await Promise.all(calls),
    ];
    for (const list of results) {
      assertEquals(list.map(([x]) => x), XS.slice(0, list.length));
    }
    const all = results.flat();
    assert(all.every(([, , tasks]) => tasks <= MOST));
    const workers = new Set(all.map(([, pid]) => pid));
    assert(workers.size >= all.length / MOST, `${workers.size} workers`);
    const stats = pool.stats();
    for (const { lost, error } of stats.hosts) {
      assertEquals([lost, error], [0, undefined]);
    }
    assertEquals(stats.done, all.length);
  }, "processes");
}
