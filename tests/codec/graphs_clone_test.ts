import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { SCALE, SEED } from "../fuzz/fuzz.ts";
import {
  type BlobPair,
  cloneDifference,
} from "../helpers/clone_differences.ts";
import { CLONEABLE_VALUES } from "../helpers/cloneable_values.ts";
import { roundTripGraphWithBlobs } from "../helpers/graphs.ts";

Deno.test("Encoder keeps 10,000 random values that are shared as structuredClone does with a serializer", async () => {
  const property = fc.asyncProperty(CLONEABLE_VALUES, async (value) => {
    const cycle: unknown[] = [value, { value }];
    cycle.push(cycle);
    const received = await roundTripGraphWithBlobs(cycle);
    const [one, { value: other }, self] = received as [
      unknown,
      { value: unknown },
      unknown,
    ];
    assertStrictEquals(self, received);
    assertStrictEquals(other, one);
    const blobs: BlobPair[] = [];
    const difference = cloneDifference(one, structuredClone(value), blobs);
    assertEquals(difference, undefined);
    for (const [actual, expected] of blobs) {
      assertEquals(await actual.bytes(), await expected.bytes());
    }
  });
  await fc.assert(property, { seed: SEED, numRuns: 10_000 * SCALE });
});
