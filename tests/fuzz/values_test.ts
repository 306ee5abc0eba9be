import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  Chunks,
  encodeMessages,
  readMessages,
  roundTrip,
} from "../helpers/frames.ts";
import { SCALE, SEED } from "./fuzz.ts";
import { VALUES } from "./values_target.ts";

Deno.test("Encoder and Decoder round-trip values of any kind", () => {
  const property = fc.property(VALUES, (value) => {
    const received = roundTrip(value);
    assertSame(received, value);
    assertEquals(encodeMessages([received]), encodeMessages([value]));
  });
  fc.assert(property, { seed: SEED, numRuns: 500 * SCALE });
});

Deno.test("FrameReader reads messages in pieces of any size", async () => {
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }));
  const messages = fc.array(fc.array(VALUES, { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 3,
  });
  const property = fc.asyncProperty(messages, cuts, async (sent, fractions) => {
    const bytes = encodeMessages(...sent);
    const ends = fractions.map((one) => Math.floor(one * bytes.length))
      .sort((one, other) => one - other);
    const pieces = [0, ...ends].map((start, index) =>
      bytes.subarray(start, ends[index])
    );
    assertSame(await readMessages(new Chunks(pieces)), sent);
  });
  await fc.assert(property, { seed: SEED, numRuns: 100 * SCALE });
});

/** Compares two values; far faster than assertEquals() alone. */
function assertSame(actual: unknown, expected: unknown): void {
  if (fc.stringify(actual) === fc.stringify(expected)) return;
  assertEquals(actual, expected);
  assertEquals(fc.stringify(actual), fc.stringify(expected));
}
