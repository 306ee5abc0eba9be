import { assert, assertEquals } from "@std/assert";
import { RestartPolicy } from "../../src/hosts/restart_policy.ts";

/** Lifetimes of workers that fail early and that don't, in milliseconds. */
const SHORT = 10;
const LONG = 10_001;

/** Checks the pauses after a worker's losses, without their jitter. */
function assertPauses(
  restarts: RestartPolicy,
  index: number,
  ...expected: number[]
): void {
  for (const most of expected) {
    const pause = restarts.lost(index, SHORT)!;
    assert(pause >= most / 2 && pause <= most, `${pause} isn't ${most}`);
  }
}

Deno.test("RestartPolicy.lost() returns no pause first, then pauses that double up to a limit", () => {
  const restarts = new RestartPolicy(100);
  assertPauses(restarts, 0, 0, 100, 200, 400, 800, 1_600, 3_200);
  assertPauses(restarts, 0, 5_000, 5_000, 5_000);
});

Deno.test("RestartPolicy.lost() counts pauses for each worker", () => {
  const restarts = new RestartPolicy(100);
  assertPauses(restarts, 0, 0, 100, 200);
  assertPauses(restarts, 1, 0, 100);
  assertPauses(restarts, 0, 400);
});

Deno.test("RestartPolicy.lost() returns no pause when the worker has lived long", () => {
  const restarts = new RestartPolicy(100);
  assertPauses(restarts, 0, 0, 100, 200);
  assertEquals(restarts.lost(0, LONG), 0);
  assertPauses(restarts, 0, 100);
});

Deno.test("RestartPolicy.lost() gives up after too many losses of all workers together", () => {
  const restarts = new RestartPolicy(3);
  for (const index of [0, 1, 2]) assertEquals(restarts.lost(index, LONG), 0);
  assertEquals(restarts.lost(3, LONG), undefined);
  assertEquals(restarts.lost(0, SHORT), undefined);
});

Deno.test("RestartPolicy.lost() allows as many losses for each worker", () => {
  const restarts = new RestartPolicy(2);
  const lose = (workers: number, times: number) =>
    Array.from({ length: times }, () => restarts.lost(0, LONG, workers));
  assertEquals(lose(7, 14), Array(14).fill(0));
  assertEquals(lose(7, 1), [undefined]);
});

Deno.test("RestartPolicy.lost() counts a loss for the workers that there were", () => {
  const restarts = new RestartPolicy(2);
  const lose = (workers: number, times: number) =>
    Array.from({ length: times }, () => restarts.lost(0, LONG, workers));
  // A host that has fewer workers since has lost no more of them.
  assertEquals(lose(8, 8), Array(8).fill(0));
  assertEquals(lose(1, 2), [0, undefined]);
});

Deno.test("RestartPolicy.lost() gives up at the first loss when none is allowed", () => {
  assertEquals(new RestartPolicy(0).lost(0, LONG), undefined);
});

Deno.test("RestartPolicy.lost() never gives up when any number is allowed", () => {
  const restarts = new RestartPolicy(Infinity);
  for (let count = 0; count < 10_000; count++) {
    assert(restarts.lost(count % 3, SHORT) !== undefined);
  }
});

Deno.test("RestartPolicy.lost() forgets losses after a minute", () => {
  let now = 0;
  const restarts = new RestartPolicy(2, () => now);
  const lose = (at: number) => {
    now = at;
    return restarts.lost(0, LONG);
  };
  assertEquals([lose(0), lose(50_000)], [0, 0]);
  assertEquals(lose(60_001), 0);
  assertEquals(lose(60_002), undefined);
});
