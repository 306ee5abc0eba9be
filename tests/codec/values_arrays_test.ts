// deno-lint-ignore-file no-sparse-arrays

import { assertEquals, assertStrictEquals } from "@std/assert";
import { MIN_ATTACHMENT_BYTES } from "../../src/codec/wire_limits.ts";
import { assertSame, encodeMessages, roundTrip } from "../helpers/frames.ts";

/** Checks that an array arrives with the same elements, holes and properties. */
function assertSameArray(received: unknown[], sent: unknown[]): void {
  assertStrictEquals(Object.getPrototypeOf(received), Array.prototype);
  assertEquals(
    Object.getOwnPropertyDescriptors(received),
    Object.getOwnPropertyDescriptors(sent),
  );
  assertEquals(Object.keys(received), Object.keys(sent));
}

/** Makes an array whose elements are their indices, but for some holes. */
function withHoles(length: number, ...holes: readonly number[]): unknown[] {
  const array: unknown[] = Array.from({ length }, (_, index) => index);
  for (const hole of holes) delete array[hole];
  return array;
}

Deno.test("Encoder round-trips the holes of sparse arrays", () => {
  const arrays = [
    [,],
    [, ,],
    [1, , 3, ,],
    [, undefined, , undefined],
    new Array(1_000),
    withHoles(15, 0, 14),
    withHoles(16, 7, 8, 9),
    withHoles(70_000, 0, 35_000, 69_999),
    withHoles(1_000, ...Array(900).keys()),
  ];
  for (const array of arrays) {
    assertSameArray(roundTrip(array), array);
    const received = roundTrip(["before", array, { array }, "after"]);
    assertEquals(received, ["before", array, { array }, "after"]);
  }
});

Deno.test("Encoder round-trips arrays of any length with few elements", () => {
  for (const length of [1_000, 2 ** 25, 2 ** 32 - 1]) {
    const array: unknown[] = [];
    array.length = length;
    array[5] = "a";
    array[70] = { b: 1 };
    array[500] = undefined;
    array[length - 2] = "c";
    assertSameArray(roundTrip(array), array);
    assertEquals(encodeMessages([array]).length < 100, true);
    const empty: unknown[] = [];
    empty.length = length;
    assertSameArray(roundTrip(empty), empty);
  }
});

Deno.test("Encoder round-trips other properties of arrays of any length", () => {
  for (const length of [0, 1, 5, 6, 15, 16, 256, 65_536, 65_537, 6]) {
    const array = Object.assign(withHoles(length), {
      key: [1],
      "-1": 2,
      "01": 3,
      "4294967295": 4,
      map: 5,
      __proto__: 6,
    });
    Object.defineProperty(array, "__proto__", {
      value: 6,
      writable: true,
      configurable: true,
      enumerable: true,
    });
    assertSameArray(roundTrip(array), array);
    const received = roundTrip([1, array, 2]);
    assertEquals(received.length, 3);
    assertSameArray(received[1] as unknown[], array);
  }
});

Deno.test("Encoder round-trips arrays with holes and other properties", () => {
  const array = Object.assign([1, , [, 2]], { a: [, 3], b: undefined });
  assertSameArray(roundTrip(array), array);
});

Deno.test("Encoder round-trips matches of regular expressions", () => {
  const match = /(?<first>a)(b)?/.exec("cab ")!;
  const received = roundTrip(match);
  assertSame([...received], [...match]);
  assertEquals(received.index, 1);
  assertEquals(received.input, "cab ");
  assertEquals({ ...received.groups }, { first: "a" });
});

Deno.test("Encoder sends fields of a subclass, but no methods or hidden properties", () => {
  class Page extends Array<number> {
    next = "b";
    first(): number | undefined {
      return this[0];
    }
  }
  const page = Page.of(1, 2);
  Object.defineProperty(page, "hidden", { value: 1, enumerable: false });
  Reflect.set(page, Symbol("symbol"), () => {});
  assertSameArray(roundTrip(page), Object.assign([1, 2], { next: "b" }));
});

Deno.test("Encoder reads each element of a sparse array once", () => {
  let reads = 0;
  const counted = {
    get a() {
      return reads++;
    },
  };
  const sent = Object.assign([counted, , counted], { counted });
  assertEquals(roundTrip(sent)[2], { a: 1 });
  assertEquals(reads, 3);
});

Deno.test("Encoder sends an array as it is while getters change it", () => {
  const array: unknown[] = [
    {
      get a() {
        array.length = 2;
        return 1;
      },
    },
    2,
    3,
  ];
  const expected: unknown[] = [{ a: 1 }, 2];
  expected.length = 3;
  assertSameArray(roundTrip(array), expected);
});

Deno.test("Encoder attaches big values of sparse arrays", () => {
  const big = new Uint8Array(MIN_ATTACHMENT_BYTES).fill(1);
  const array = Object.assign([big, , big.with(0, 2)], {
    more: big.with(0, 3),
  });
  const received = roundTrip([big.with(0, 4), array, big.with(0, 5)]);
  assertSame(received, [big.with(0, 4), array, big.with(0, 5)]);
  assertSame((received[1] as typeof array).more, array.more);
});
