/**
 * Conformance tests of explanations.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { double, type Test } from "./conformance_fixture.ts";
import { explained } from "../helpers/explained.ts";
import { Gate, passGate } from "../helpers/gate.ts";

/** Tests of explanations of where tasks are. */
export function testExplanations(test: Test): void {
  test("explains where a task runs, and why another waits", async (pool) => {
    await using gate = new Gate();
    await pool.ready;
    const held = Array.from(
      { length: pool.stats().workers },
      (_, x) => pool.submit(passGate<number>, gate.port, x),
    );
    for (const _ of held) await gate.entered();
    const waiting = pool.submit(double, 1);
    for (const future of held) {
      await explained(
        pool,
        /^The task 'passGate' has begun: .+ worker \d+ has run 'passGate' for \d+ m?s\.$/,
        future,
      );
    }
    await explained(
      pool,
      /^The task 'double' waits (for a worker: .+ busy|at .+ worker \d+, behind 1 other:) .*has run 'passGate' for/,
      waiting,
    );
    gate.open();
    await Promise.all(held);
    assertEquals(await waiting, 2);
    assertEquals(pool.explain(waiting), "The task 'double' has ended.");
  });
}
