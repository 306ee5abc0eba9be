/**
 * Conformance tests of calls that wait: how many may, in which order they begin,
 * and which worker gets them.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueFullError } from "../../mod.ts";
import type { Kind } from "./conformance.ts";
import type { TestWith } from "./conformance_fixture.ts";

/** Tests the limits, the order and the place of calls that wait. */
export function testQueue(testWith: TestWith, { workers = 2 }: Kind): void {
  testWith("rejects calls beyond maxQueue", {
    prefetch: 0,
    maxQueue: 3,
  }, async (pool) => {
    await pool.run(() => {});
    const calls: Promise<number>[] = [];
    for (let x = 0; x < workers + 3; x++) {
      await pool.hasRoom();
      calls.push(pool.run((x: number) => x, x));
    }
    const refused = Array.from({ length: 20 }, () => pool.run(() => -1));
    const outcomes = await Promise.allSettled(refused);
    assert(outcomes.some(({ status }) => status === "rejected"));
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") continue;
      assert(outcome.reason instanceof QueueFullError);
    }
    assertEquals(await Promise.all(calls), calls.map((_, x) => x));
    await pool.hasRoom();
    assertEquals(await pool.run((x: number) => x, 5), 5);
    await pool.shutdown();
    await assertRejects(() => pool.hasRoom(), Error, "shut down");
  });
}
