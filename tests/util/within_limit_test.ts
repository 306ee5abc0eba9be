import { assertEquals, assertRejects } from "@std/assert";
import { withinLimit } from "../../src/util/within_limit.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";

/** What keeps the test from ending meanwhile, as a pool's calls do. */
function keepAlive(): Disposable {
  const keepAlive = new KeepAlive();
  keepAlive.hold();
  return { [Symbol.dispose]: () => keepAlive.close() };
}

/** Lets the program do nothing else. */
function beBusy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

Deno.test("withinLimit() settles as the promise does", async () => {
  assertEquals(await withinLimit(Promise.resolve(5), 60_000), 5);
  const error = new RangeError("no");
  const thrown = await withinLimit(Promise.reject(error), 60_000)
    .catch((error) => error);
  assertEquals(thrown, error);
});

Deno.test("withinLimit() throws when the limit is over", async () => {
  using _ = keepAlive();
  const never = new Promise<never>(() => {});
  const error = await assertRejects(
    () => withinLimit(never, 20),
    DOMException,
    "20 ms",
  );
  assertEquals(error.name, "TimeoutError");
});

Deno.test("withinLimit() doesn't count the time in which the program is busy", async () => {
  using _ = keepAlive();
  const comes = new Promise((resolve) => setTimeout(resolve, 150, "come"));
  const result = withinLimit(comes, 100);
  beBusy(300);
  assertEquals(await result, "come");
});
