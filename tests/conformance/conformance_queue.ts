/**
 * Conformance tests of calls that wait: how many may, in which order they begin,
 * and which worker gets them.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { QueueFullError } from "../../mod.ts";
import { until } from "../helpers/processes.ts";
import type { Kind } from "./conformance.ts";
import type { Test, TestWith } from "./conformance_fixture.ts";

/** Tests the limits, the order and the place of calls that wait. */
export function testQueue(
  test: Test,
  testWith: TestWith,
  { workers = 2 }: Kind,
): void {
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

  testWith("begins calls of a higher priority first", {
    prefetch: 0,
  }, async (pool) => {
    await pool.run(() => {});
    const high = pool.with({ priority: 1 });
    const mapped = high.map(note, new Array<string>(6).fill("map"), {
      chunkSize: 1,
    }).toArray();
    const kinds = Array.from({ length: 40 }, (_, x) => x % 2 ? "high" : "low");
    const notes = await Promise.all(
      kinds.map((kind) => (kind === "low" ? pool : high).run(note, kind)),
    );
    for (const begun of byWorker([...notes, ...await mapped])) {
      const firstLow = begun.indexOf("low");
      if (firstLow < 0) continue;
      assertEquals(new Set(begun.slice(firstLow)), new Set(["low"]));
    }
  });

  test("runs calls with the same key on the same worker", async (pool) => {
    const users = Array.from({ length: 40 }, (_, x) => `user ${x % 8}`);
    const byUser = pool.with({ key: (user: string) => user });
    const called = users.map(async (user) => ({
      user,
      pid: await byUser.run(pidOf, user),
    }));
    const mapped = await byUser.map(pidOf, users).toArray();
    const pids = new Map<string, number>();
    for (const { user, pid } of await Promise.all(called)) {
      assertEquals(pids.get(user) ?? pid, pid);
      pids.set(user, pid);
    }
    assertEquals(mapped, users.map((user) => pids.get(user)));
    const one = pool.with({ key: "one" });
    const oneMap = await one.map(() => Deno.pid, users).toArray();
    assertEquals(new Set(oneMap).size, 1);
    assertEquals(await one.run(() => Deno.pid), oneMap[0]);
    // A worker that a test before has ended may not have been replaced yet.
    await until(() => pool.stats().workers === workers);
    const all = await one.runOnAll(() => Deno.pid);
    assertEquals(all.length, workers);
  });
}

function pidOf(_user: string): number {
  return Deno.pid;
}

/** What a task has noted. */
interface Note {
  readonly pid: number;
  /** How many tasks of its worker have begun before. */
  readonly order: number;
  readonly kind: string;
}

/** Notes that a task begins. */
function note(kind: string): Note {
  const counts = globalThis as { begun?: number };
  counts.begun = (counts.begun ?? 0) + 1;
  return { pid: Deno.pid, order: counts.begun, kind };
}

/** Returns the kinds of the tasks that each worker has run, in order. */
function byWorker(notes: readonly Note[]): string[][] {
  const groups = Map.groupBy(notes, ({ pid }) => pid);
  return [...groups.values()].map((group) =>
    group.toSorted((one, other) => one.order - other.order)
      .map(({ kind }) => kind)
  );
}
