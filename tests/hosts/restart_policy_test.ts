import { assert, assertEquals } from "@std/assert";
import { RestartPolicy } from "../../src/hosts/restart_policy.ts";

/** How long a worker lives that can't live, and one that can. */
const SHORT = 10;
const LONG = 10_001;

/** The pauses that a worker's losses lead to, without their jitter. */
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

Deno.test("RestartPolicy replaces at once, then after pauses that grow up to a limit", () => {
  const restarts = new RestartPolicy(100);
  assertPauses(restarts, 0, 0, 100, 200, 400, 800, 1_600, 3_200);
  assertPauses(restarts, 0, 5_000, 5_000, 5_000);
});

Deno.test("RestartPolicy has pauses of its own for each worker", () => {
  const restarts = new RestartPolicy(100);
  assertPauses(restarts, 0, 0, 100, 200);
  assertPauses(restarts, 1, 0, 100);
  assertPauses(restarts, 0, 400);
});

Deno.test("RestartPolicy replaces a worker at once that has lived for long", () => {
  const restarts = new RestartPolicy(100);
  assertPauses(restarts, 0, 0, 100, 200);
  assertEquals(restarts.lost(0, LONG), 0);
  assertPauses(restarts, 0, 100);
});

Deno.test("RestartPolicy gives up after too many losses, whichever workers they are of", () => {
  const restarts = new RestartPolicy(3);
  for (const index of [0, 1, 2]) assertEquals(restarts.lost(index, LONG), 0);
  assertEquals(restarts.lost(3, LONG), undefined);
  assertEquals(restarts.lost(0, SHORT), undefined);
});

Deno.test("RestartPolicy gives up at the first loss where none is allowed", () => {
  assertEquals(new RestartPolicy(0).lost(0, LONG), undefined);
});

Deno.test("RestartPolicy never gives up where any number is allowed", () => {
  const restarts = new RestartPolicy(Infinity);
  for (let count = 0; count < 10_000; count++) {
    assert(restarts.lost(count % 3, SHORT) !== undefined);
  }
});

Deno.test("RestartPolicy forgets losses after a minute", () => {
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
