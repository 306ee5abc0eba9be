import { assertEquals, assertNotEquals } from "@std/assert";
import { loadV8Serializer } from "../../src/codec/v8_serializer.ts";
import { Digests } from "../../src/journal/digests.ts";

class Point {
  constructor(readonly x: number) {}
}

Deno.test("Digests.of() leaves out when a file has changed", () => {
  const digests = new Digests(undefined);
  const of = (name: string, lastModified: number) =>
    digests.of({ file: new File(["content"], name, { lastModified }) });
  assertEquals(of("a.txt", 1), of("a.txt", 2));
  assertNotEquals(of("a.txt", 1), of("b.txt", 1));
});

Deno.test("Digests.of() returns the same for a number whatever was in its place before", async () => {
  const digests = new Digests(await loadV8Serializer());
  const of = (x: number) => digests.of(new Point(x));
  const before = of(1);
  // From now on, V8 keeps and serializes other numbers in this place as doubles.
  assertNotEquals(of(2.5), before);
  assertEquals(of(1), before);
});

Deno.test("Digests.of() tells all kinds of graphs apart", async () => {
  const digests = new Digests(await loadV8Serializer());
  const shared = [1];
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const make = () => [
    new Point(1),
    new Point(2),
    new Map([[1, [2, 3]]]),
    new Map([[[1, 2], 3]]),
    new Map([[1, 2], [3, 4]]),
    new Set([1, 2]),
    new Set([[1, 2]]),
    [shared, shared],
    [shared, [1]],
    cycle,
    [new Map(), new Date(1)],
    [new Map(), new Date(2)],
    [new Map(), Object(1)],
    [new Map(), Object("1")],
    [new Map(), "1"],
    [new Map(), /1/],
    [new Map(), /2/],
    [new Map(), Uint8Array.of(1)],
    [new Map(), Uint8Array.of(2)],
    [new Map(), Int8Array.of(2)],
    { a: shared, b: shared },
    { a: shared, b: shared, c: undefined },
    { a: shared, c: shared },
  ];
  const once = make().map((value) => digests.of(value).toHex());
  assertEquals(new Set(once).size, once.length);
  assertEquals(make().map((value) => digests.of(value).toHex()), once);
});
