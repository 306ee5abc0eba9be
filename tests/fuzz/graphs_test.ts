import fc from "fast-check";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { roundTripGraph } from "../helpers/graphs.ts";
import { fuzzBoth, SCALE, SEED } from "./fuzz.ts";
import { tryGraphs, tryV8Data } from "./graphs_target.ts";
import { VALUES } from "./values_target.ts";

Deno.test("Decoder decodes or refuses random graphs", async () => {
  await fuzzBoth("graphs", 4_000 * SCALE, tryGraphs);
});

Deno.test("V8Serializer survives random data that checkV8Data() accepts", async () => {
  await fuzzBoth("V8's data", 8_000 * SCALE, tryV8Data);
});

Deno.test("Encoder and Decoder round-trip values of any kind in cycles", () => {
  const property = fc.property(VALUES, (value) => {
    const list: unknown[] = [value, value];
    list.push(list);
    const received = roundTripGraph(list);
    assertEquals(received.length, 3);
    assertStrictEquals(received[2], received);
    if (!Object.is(received[0], received[1])) throw new Error("not shared");
    if (fc.stringify(received[0]) !== fc.stringify(value)) {
      assertEquals(received[0], value);
    }
  });
  fc.assert(property, { seed: SEED, numRuns: 500 * SCALE });
});
