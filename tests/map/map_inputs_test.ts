import { assertEquals, assertThrows } from "@std/assert";
import { parseInputs } from "../../src/map/map_inputs.ts";

Deno.test("parseInputs() separates the options from the iterables", () => {
  const options = { chunkSize: 2 };
  const items = [1, 2];
  assertEquals(parseInputs([items]), { iterables: [items], options: {} });
  assertEquals(parseInputs([items, options]), { iterables: [items], options });
  assertEquals(parseInputs([items, "ab", options]), {
    iterables: [items, "ab"],
    options,
  });
});

Deno.test("parseInputs() accepts undefined at the end as no options", () => {
  const items = [1, 2];
  const expected = { iterables: [items], options: {} };
  assertEquals(parseInputs([items, undefined]), expected);
  assertEquals(parseInputs([items, items, undefined]), {
    iterables: [items, items],
    options: {},
  });
});

Deno.test("parseInputs() refuses undefined as an iterable", () => {
  const message = "'iterables[0]' of a map must be iterable, but is undefined";
  assertThrows(() => parseInputs([undefined]), TypeError, message);
  assertThrows(() => parseInputs([undefined, undefined]), TypeError, message);
  assertThrows(() => parseInputs([undefined, [1]]), TypeError, message);
});

Deno.test("parseInputs() throws without an iterable", () => {
  for (const inputs of [[], [{}]]) {
    assertThrows(() => parseInputs(inputs), TypeError, "needs an iterable");
  }
});
