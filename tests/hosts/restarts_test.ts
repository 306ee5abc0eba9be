import { assert, assertEquals } from "@std/assert";
import { jittered, Restarts } from "../../src/hosts/restarts.ts";

/** How long a worker lives that can't live, and one that can. */
const SHORT = 10;
const LONG = 10_001;

/** The pauses that a worker's losses lead to, without their jitter. */
function assertPauses(
  restarts: Restarts,
  index: number,
  ...expected: number[]
): void {
  for (const most of expected) {
    const pause = restarts.lost(index, SHORT)!;
    assert(pause >= most / 2 && pause <= most, `${pause} isn't ${most}`);
  }
}

Deno.test("Restarts replaces at once, then after pauses that grow up to a limit", () => {
  const restarts = new Restarts(100);
  assertPauses(restarts, 0, 0, 100, 200, 400, 800, 1_600, 3_200);
  assertPauses(restarts, 0, 5_000, 5_000, 5_000);
});

Deno.test("Restarts has pauses of its own for each worker", () => {
  const restarts = new Restarts(100);
  assertPauses(restarts, 0, 0, 100, 200);
  assertPauses(restarts, 1, 0, 100);
  assertPauses(restarts, 0, 400);
});

Deno.test("Restarts replaces a worker at once that has lived for long", () => {
  const restarts = new Restarts(100);
  assertPauses(restarts, 0, 0, 100, 200);
  assertEquals(restarts.lost(0, LONG), 0);
  assertPauses(restarts, 0, 100);
});

Deno.test("Restarts gives up after too many losses, whichever workers they are of", () => {
  const restarts = new Restarts(3);
  for (const index of [0, 1, 2]) assertEquals(restarts.lost(index, LONG), 0);
  assertEquals(restarts.lost(3, LONG), undefined);
  assertEquals(restarts.lost(0, SHORT), undefined);
});

Deno.test("Restarts gives up at the first loss where none is allowed", () => {
  assertEquals(new Restarts(0).lost(0, LONG), undefined);
});

Deno.test("Restarts never gives up where any number is allowed", () => {
  const restarts = new Restarts(Infinity);
  for (let count = 0; count < 10_000; count++) {
    assert(restarts.lost(count % 3, SHORT) !== undefined);
  }
});

Deno.test("Restarts forgets losses after a minute", () => {
  let now = 0;
  const restarts = new Restarts(2, () => now);
  const lose = (at: number) => {
    now = at;
    return restarts.lost(0, LONG);
  };
  assertEquals([lose(0), lose(50_000)], [0, 0]);
  assertEquals(lose(60_001), 0);
  assertEquals(lose(60_002), undefined);
});

Deno.test("jittered() shortens a pause by up to a half", () => {
  const pauses = Array.from({ length: 1_000 }, () => jittered(100));
  assert(pauses.every((pause) => pause >= 50 && pause <= 100));
  assert(new Set(pauses).size > 900);
  assertEquals(jittered(0), 0);
});
