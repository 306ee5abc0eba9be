import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { makePhilox, philox } from "../../src/util/philox.ts";

/** The words of `kat_vectors` in Random123, of its generator "philox4x32 10". */
const KNOWN: readonly [counter: string, key: string, words: string][] = [
  [
    "00000000 00000000 00000000 00000000",
    "00000000 00000000",
    "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
  ],
  [
    "ffffffff ffffffff ffffffff ffffffff",
    "ffffffff ffffffff",
    "408f276d 41c83b0e a20bc7c6 6d5451fd",
  ],
  [
    "243f6a88 85a308d3 13198a2e 03707344",
    "a4093822 299f31d0",
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  ],
];

function parse(words: string): number[] {
  return words.split(" ").map((word) => parseInt(word, 16));
}

for (const [counter, key, words] of KNOWN) {
  Deno.test(`philox() makes the known words of the counter ${counter}`, () => {
    const state = new Uint32Array(parse(counter));
    philox(state, parse(key) as [number, number]);
    assertEquals([...state], parse(words));
  });
}

Deno.test("makePhilox() makes two numbers of 53 bits from each block of a stream", () => {
  const key = [0x12345678, 0x9abcdef0] as const;
  const stream = 2 ** 40 + 5;
  const random = makePhilox(key, stream);
  for (let block = 0; block < 3; block++) {
    const words = new Uint32Array([block, 0, 5, 2 ** 8]);
    philox(words, key);
    for (const at of [0, 2]) {
      const bits = BigInt(words[at]! >>> 5) << 26n |
        BigInt(words[at + 1]!) >> 6n;
      assertEquals(random(), Number(bits) / 2 ** 53);
    }
  }
});

Deno.test("makePhilox() makes numbers that are spread evenly from 0 to 1", () => {
  const random = makePhilox([2011, 0], 3);
  const tenths = new Array(10).fill(0);
  for (let count = 0; count < 100_000; count++) {
    const number = random();
    assert(number >= 0 && number < 1);
    tenths[Math.floor(number * 10)]++;
  }
  // The standard deviation of each count is 95.
  for (const count of tenths) assert(Math.abs(count - 10_000) < 500, count);
});

Deno.test("makePhilox() makes other numbers for another seed and for another stream", () => {
  const firsts = [
    makePhilox([1, 0], 0),
    makePhilox([0, 1], 0),
    makePhilox([1, 0], 1),
    makePhilox([1, 0], 2 ** 32),
  ].map((random) => random());
  assertEquals(new Set(firsts).size, firsts.length);
  const random = makePhilox([1, 0], 0);
  assertNotEquals(random(), random());
});
