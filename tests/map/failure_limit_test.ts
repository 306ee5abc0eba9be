import { assertEquals, assertThrows } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { FailureLimit } from "../../src/map/failure_limit.ts";

Deno.test("FailureLimit.check() returns the error once more items have failed", () => {
  const limit = new FailureLimit(1);
  limit.add(5, "a");
  assertEquals(limit.check(10, 10), undefined);
  limit.add(3, "b");
  const error = limit.check(10, 10);
  assertEquals(error?.errors, ["a", "b"]);
  assertEquals(
    error?.message,
    "2 of the 10 items that have ended failed, first the item 3; 'maxFailures' is 1",
  );
});

Deno.test("FailureLimit.check() takes a share of all items, or of those that have ended", () => {
  const limit = new FailureLimit(0.03);
  for (let index = 0; index < 4; index++) limit.add(index, "a");
  assertEquals(limit.check(4, 200), undefined);
  assertEquals(limit.check(4, 100)?.errors.length, 4);
  // Of 4 of at least 100 items, it isn't known yet whether they are too many.
  assertEquals(limit.check(134, Infinity), undefined);
  assertEquals(limit.check(4, Infinity)?.errors.length, 4);
});

Deno.test("FailureLimit keeps no reasons if any number of items may fail", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const limit = new FailureLimit(Infinity);
  const reason = (() => {
    const reason = new Error("a");
    limit.add(0, reason);
    return new WeakRef(reason);
  })();
  for (let turn = 0; turn < 100 && reason.deref() !== undefined; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
  }
  assertEquals(reason.deref(), undefined);
  assertEquals(limit.check(1, 1), undefined);
});

Deno.test("FailureLimit refuses anything but a count or a share", () => {
  for (const wrong of [-1, 1.5, NaN]) {
    assertThrows(() => new FailureLimit(wrong), RangeError, "maxFailures");
  }
  assertThrows(
    () => new FailureLimit("3" as unknown as number),
    TypeError,
    "'maxFailures' must be a whole number of at least 0, or a share",
  );
  new FailureLimit(0);
  new FailureLimit(Infinity);
});
