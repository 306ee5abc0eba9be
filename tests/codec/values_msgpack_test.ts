import { decode as decodeOther, encode as encodeOther } from "@msgpack/msgpack";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { decode, encode, type ValueType } from "@std/msgpack";
import {
  assertSame,
  decodeFrame,
  encodeMessages,
  frameOf,
} from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

/** Values at the boundaries of MessagePack's formats, and random ones. */
function* jsonValues(): Iterable<ValueType> {
  for (const bits of [0, 5, 7, 8, 15, 16, 31, 32, 53]) {
    for (const offset of [-1, 0, 1]) {
      yield 2 ** bits + offset;
      yield -(2 ** bits) + offset;
    }
  }
  for (const length of [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
    yield "a".repeat(length);
    yield "é".repeat(length);
    // Arrays of numbers only are extensions.
    yield Array.from({ length }, (_, index) => index % 2 === 0 ? index : null);
    yield Object.fromEntries(Array.from({ length }, (_, index) => [index, 0]));
  }
  const random = new Random(4);
  for (let round = 0; round < 500; round++) yield random.json(4) as ValueType;
}

function isIntegerBeyond32Bits(value: unknown): boolean {
  return Number.isInteger(value) &&
    (Number(value) < -(2 ** 31) || Number(value) >= 2 ** 32);
}

Deno.test("Encoder writes values that @std/msgpack reads", () => {
  for (const value of jsonValues()) {
    const frame = encodeMessages([value, "end"]);
    assertSame(decode(frame.subarray(4)), [value, "end"]);
  }
});

Deno.test("Encoder writes 64-bit bigints that @std/msgpack reads", () => {
  for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    const frame = encodeMessages([value]);
    assertSame(decode(frame.subarray(4)), [value]);
  }
});

Deno.test("Encoder attaches big binary values so @msgpack/msgpack reads them", () => {
  const big = [1, 2].map((byte) => new Uint8Array(40_000).fill(byte));
  const frame = encodeMessages(["field", big]);
  const message = decodeOther(frame.subarray(4)) as unknown[];
  assertEquals(message.length, 4);
  assertEquals(message[0], "field");
  // The first value is attached last.
  assertSame(message.slice(2), big.toReversed());
});

Deno.test("Decoder reads values that @std/msgpack writes", () => {
  for (const value of jsonValues()) {
    assertSame(decodeFrame(frameOf(encode(value))), [value]);
  }
});

Deno.test("Decoder reads values that @msgpack/msgpack writes", () => {
  for (const value of jsonValues()) {
    // It writes these in 64 bits, and they arrive as bigints.
    if (isIntegerBeyond32Bits(value)) continue;
    assertSame(decodeFrame(frameOf(encodeOther(value))), [value]);
  }
});

Deno.test("Decoder reads float 32", () => {
  for (const value of [0.5, -1.25, 2 ** 100, -0, NaN, -Infinity]) {
    const bytes = new Uint8Array(5);
    bytes[0] = 0xca;
    new DataView(bytes.buffer).setFloat32(1, value);
    assertStrictEquals(decodeFrame(frameOf(bytes))[0], value);
  }
});

Deno.test("Decoder reads 64-bit integers as bigints", () => {
  const values = [0n, 2n ** 63n, 2n ** 64n - 1n, -1n, -(2n ** 63n)];
  for (const value of values) {
    assertStrictEquals(decodeFrame(frameOf(encode(value)))[0], value);
  }
});

Deno.test("Decoder reads bin 8, 16 and 32 within values", () => {
  for (const length of [0, 255, 256, 65_535, 65_536]) {
    const bytes = new Random(length).bytes(length);
    assertSame(decodeFrame(frameOf(encode([bytes]))), [[bytes]]);
  }
});
