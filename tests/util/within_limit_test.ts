import { assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "../helpers/fake_time.ts";
import { withinLimit } from "../../src/util/within_limit.ts";

Deno.test("withinLimit() settles like the promise", async () => {
  assertEquals(await withinLimit(Promise.resolve(5), 60_000), 5);
  const error = new RangeError("no");
  const thrown = await withinLimit(Promise.reject(error), 60_000)
    .catch((error) => error);
  assertEquals(thrown, error);
});

Deno.test("withinLimit() rejects when the limit is over", async () => {
  using time = new FakeTime();
  const never = new Promise<never>(() => {});
  const rejected = assertRejects(
    () => withinLimit(never, 80),
    DOMException,
    "80 ms",
  );
  await time.runAllAsync();
  assertEquals((await rejected).name, "TimeoutError");
  assertEquals(time.now, time.start + 80);
});

Deno.test("withinLimit() hardly counts time in which the event loop is blocked", async () => {
  using time = new FakeTime();
  const late = new Promise((resolve) => setTimeout(resolve, 350, "late"));
  const result = withinLimit(late, 100);
  // After a blocked period, all timers that are due fire in the same turn.
  time.tick(300);
  await time.runAllAsync();
  assertEquals(await result, "late");
});
