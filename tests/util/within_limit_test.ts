import { assertEquals, assertRejects } from "@std/assert";
import { withinLimit } from "../../src/util/within_limit.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";

/** Keeps the test alive, as the calls of a pool do. */
function keepAlive(): Disposable {
  const keepAlive = new KeepAlive();
  keepAlive.hold();
  return { [Symbol.dispose]: () => keepAlive.close() };
}

/** Blocks the event loop. */
function beBusy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

Deno.test("withinLimit() settles like the promise", async () => {
  assertEquals(await withinLimit(Promise.resolve(5), 60_000), 5);
  const error = new RangeError("no");
  const thrown = await withinLimit(Promise.reject(error), 60_000)
    .catch((error) => error);
  assertEquals(thrown, error);
});

Deno.test("withinLimit() rejects when the limit is over", async () => {
  using _ = keepAlive();
  const never = new Promise<never>(() => {});
  const error = await assertRejects(
    () => withinLimit(never, 20),
    DOMException,
    "20 ms",
  );
  assertEquals(error.name, "TimeoutError");
});

Deno.test("withinLimit() counts little of the time for which the event loop is blocked", async () => {
  using _ = keepAlive();
  const late = new Promise((resolve) => setTimeout(resolve, 150, "late"));
  const result = withinLimit(late, 100);
  beBusy(300);
  assertEquals(await result, "late");
});
