/**
 * Conformance tests of explanations.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { double, type Test } from "./conformance_fixture.ts";
import { explained } from "../helpers/explained.ts";
import { Gate, passGate } from "../helpers/gate.ts";

/** A task: waits at a gate, and ends its worker if it gets a byte there. */
async function exitOrPass(port: number): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  if (await connection.read(new Uint8Array(1)) === 1) Deno.exit(1);
  return "passed";
}

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

  test("explains that runOnAll() comes first", async (pool) => {
    await using gate = new Gate();
    const held = pool.submit(passGate<number>, gate.port, 1);
    await gate.entered();
    const all = pool.runOnAll(double, 1);
    const after = pool.submit(double, 2);
    await explained(
      pool,
      /^The task 'double' waits for a worker: runOnAll\(\) of 'double' comes first, which begins once all earlier tasks have ended \(.+ worker \d+ has run 'passGate' for \d+ m?s\)\.$/,
      after,
    );
    gate.open();
    assertEquals(await held, 1);
    assertEquals(new Set(await all), new Set([2]));
    assertEquals(await after, 4);
  });

  test("explains that a task runs again alone after a loss", async (pool) => {
    await using gate = new Gate();
    const future = pool.with({ retries: 1 }).submit(exitOrPass, gate.port);
    const first = await gate.entered();
    await first.write(Uint8Array.of(1));
    await gate.entered();
    await explained(
      pool,
      /^The task 'exitOrPass' has begun: .+ worker \d+ has run 'exitOrPass' for \d+ m?s, alone after a loss\.$/,
      future,
    );
    gate.open();
    assertEquals(await future, "passed");
  }, "processes");
}
