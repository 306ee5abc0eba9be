import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { SCALE, SEED } from "../fuzz/fuzz.ts";
import {
  type BlobPair,
  cloneDifference,
} from "../helpers/clone_differences.ts";
import { CLONEABLE_VALUES } from "../helpers/cloneable_values.ts";
import { roundTripWithBlobs } from "../helpers/frames.ts";

Deno.test("Encoder round-trips 100,000 random values as structuredClone copies them", async () => {
  const property = fc.asyncProperty(CLONEABLE_VALUES, async (value) => {
    const received = await roundTripWithBlobs(value);
    const blobs: BlobPair[] = [];
    const difference = cloneDifference(received, structuredClone(value), blobs);
    assertEquals(difference, undefined);
    for (const [actual, expected] of blobs) {
      assertEquals(await actual.bytes(), await expected.bytes());
    }
  });
  await fc.assert(property, { seed: SEED, numRuns: 100_000 * SCALE });
});
