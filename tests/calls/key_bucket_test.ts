import { assert, assertEquals } from "@std/assert";
import { bucketOf } from "../../src/calls/key_bucket.ts";

Deno.test("bucketOf() returns the same bucket for the same key", () => {
  const key = "user 1";
  assertEquals(bucketOf(key), bucketOf(["user", "1"].join(" ")));
});

Deno.test("bucketOf() distributes similar keys evenly", () => {
  for (const prefix of ["", "user ", "äöü/", "x".repeat(100)]) {
    const counts = new Map<number, number>();
    for (let number = 0; number < 40_960; number++) {
      const bucket = bucketOf(`${prefix}${number}`);
      assert(Number.isInteger(bucket) && bucket >= 0 && bucket < 4_096);
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
    assert(counts.size > 4_090, `${prefix}: ${counts.size}`);
    assert(Math.max(...counts.values()) < 35, prefix);
  }
});
