import { assert, assertEquals } from "@std/assert";
import { Backoff } from "../../src/hosts/backoff.ts";

Deno.test("Backoff.next() doubles the pause up to its maximum", () => {
  const backoff = new Backoff(100, 500);
  for (const most of [100, 200, 400, 500, 500]) {
    const pause = backoff.next();
    assert(pause >= most / 2 && pause <= most, `${pause} isn't ${most}`);
  }
});

Deno.test("Backoff.next() shortens pauses at random by up to a half", () => {
  const pauses = Array.from(
    { length: 1_000 },
    () => new Backoff(100, 1).next(),
  );
  assert(pauses.every((pause) => pause >= 50 && pause <= 100));
  assert(new Set(pauses).size > 900);
});

Deno.test("Backoff.next() never pauses if its maximum is 0", () => {
  const backoff = new Backoff(0, 0);
  assertEquals([backoff.next(), backoff.next()], [0, 0]);
});
