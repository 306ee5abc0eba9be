import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Extension } from "../../src/codec/extensions.ts";
import { MAX_UNITS } from "../../src/codec/string_lists.ts";
import { UnsendablePart } from "../../src/codec/unsendable_part.ts";
import {
  assertSame,
  decodeFrame,
  encodeMessages,
  roundTrip,
  takeBytes,
} from "../helpers/frames.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import { concat } from "../helpers/frames.ts";

/** The lengths around those at which the encoder or the decoder changes. */
const LENGTHS = [31, 32, 33, 4_095, 4_096, 4_097, 8_192, 8_193, 70_000];

/** The bytes of a message around an extension with a kind. */
const AROUND = 4 + 3 + 6 + 1;

/** Sends a list of the protocol, and returns it as it arrives. */
function sendList(list: readonly unknown[]): unknown {
  const writer = new FrameWriter();
  writer.message([1], list);
  return decodeFrame(concat(takeBytes(writer)))[1];
}

function arrayOf<T>(length: number, element: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => element(index));
}

/** Checks that elements arrive, and that their array is an ordinary one. */
function assertArrives(array: readonly unknown[]): void {
  for (const received of [roundTrip(array), sendList(array)]) {
    assertStrictEquals(Object.getPrototypeOf(received), Array.prototype);
    assertStrictEquals((received as unknown[]).length, array.length);
    array.forEach((element, index) => {
      assertStrictEquals((received as unknown[])[index], element);
    });
  }
}

Deno.test("Encoder round-trips arrays of numbers of each kind and length", () => {
  const kinds = [0x7f, 0x80, 0x7fff, 0x8000, 2 ** 31 - 1, 2 ** 31, 0.5];
  for (const largest of kinds) {
    for (const length of LENGTHS) {
      assertArrives(arrayOf(length, (index) => index === 9 ? largest : 1));
      assertArrives(arrayOf(length, (index) => index === 9 ? ~largest : -1));
    }
  }
});

Deno.test("Encoder sends arrays of numbers in the shortest kind that fits", () => {
  const sizes: readonly [number, number][] = [
    [127, 1],
    [-128, 1],
    [128, 2],
    [-32_768, 2],
    [32_768, 4],
    [-(2 ** 31), 4],
    [2 ** 31, 8],
    [0.5, 8],
    [-0, 8],
    [NaN, 8],
  ];
  for (const [number, size] of sizes) {
    for (const at of [0, 50, 99]) {
      const array = arrayOf(100, (index) => index === at ? number : 1);
      assertEquals(encodeMessages([array]).length, AROUND + 100 * size);
    }
  }
});

Deno.test("Encoder round-trips -0, NaN and infinities in arrays of numbers", () => {
  for (const special of [-0, NaN, Infinity, -Infinity, 2 ** 53, 5e-324]) {
    for (const other of [0, 1, 0.5]) {
      for (const at of [0, 31, 63]) {
        assertArrives(
          arrayOf(64, (index) => index === at ? special : other),
        );
      }
    }
  }
});

Deno.test("Encoder round-trips arrays that other elements follow or interrupt", () => {
  const elements: readonly ((index: number) => unknown)[] = [
    (index) => index,
    (index) => index * 1_000,
    (index) => index / 2,
    (index) => `text ${index}`,
  ];
  const others = [undefined, null, "other", 0.5, 7, true, 1n, [1], { a: 1 }];
  for (const element of elements) {
    for (const other of others) {
      for (const at of [0, 1, 31, 4_095, 4_096, 4_999]) {
        const array = arrayOf(5_000, element).with(at, other);
        assertSame(roundTrip(array), array);
        assertSame(sendList(array), array);
      }
    }
  }
});

Deno.test("Encoder round-trips arrays of numbers or strings with holes and other properties", () => {
  for (const element of [1, 0.5, "text"]) {
    for (const at of [0, 1, 40, 99]) {
      const array: unknown[] = arrayOf(100, () => element);
      delete array[at];
      const received = roundTrip([array, "after"]);
      assertEquals(Object.keys(received[0]!), Object.keys(array));
      assertEquals(received[1], "after");
    }
    const array = Object.assign(arrayOf(100, () => element), { key: 1 });
    const received = roundTrip([array, "after"]);
    assertEquals(Object.entries(received[0]!), Object.entries(array));
    assertEquals(received[1], "after");
  }
});

Deno.test("Encoder reads each element of an array of numbers or strings once", () => {
  const others = [1, 0.5, "text", null];
  for (const element of [1, 0.5, "text"]) {
    for (const other of others) {
      const reads = new Array(100).fill(0);
      const array: unknown[] = [];
      for (let index = 0; index < reads.length; index++) {
        Object.defineProperty(array, index, {
          get() {
            reads[index]++;
            return index < 60 ? element : other;
          },
          enumerable: true,
          configurable: true,
        });
      }
      const received = roundTrip(array);
      assertEquals(received[59], element);
      assertEquals(received[60], other);
      assertEquals(reads, new Array(100).fill(1));
    }
  }
});

Deno.test("Encoder names the element that can't be sent after numbers or strings", () => {
  for (const element of [1, 0.5, "text"]) {
    const unsendable = arrayOf<unknown>(100, () => element).with(60, () => {});
    const unreadable = arrayOf<unknown>(100, () => element);
    Object.defineProperty(unreadable, 60, {
      get() {
        throw new Error("no");
      },
    });
    for (const array of [unsendable, unreadable]) {
      const error = assertThrows(() => roundTrip(array), UnsendablePart);
      assertEquals(error.steps.map(({ access }) => access), [60]);
      assertStrictEquals(error.steps[0]!.container, array);
    }
  }
});

Deno.test("Encoder round-trips any strings in arrays of strings", () => {
  const texts = ["", "a", "é", "中", "😀", "\ud800", "\udc00a", '"\\/', "\0\n"];
  texts.push("\ufeffa", "\u2028", "__proto__", "x".repeat(5_000));
  for (const text of texts) {
    for (const at of [0, 31, 40]) {
      assertArrives(arrayOf(41, (index) => index === at ? text : `${index}`));
    }
  }
});

Deno.test("Encoder round-trips arrays with more strings than are sent together", () => {
  const most = arrayOf(40, () => "a".repeat(MAX_UNITS / 40 - 4));
  assertArrives(most);
  assertArrives([...most, "b".repeat(MAX_UNITS)]);
  assertArrives(["b".repeat(MAX_UNITS), ...most]);
  assertArrives(arrayOf(MAX_UNITS / 3, () => ""));
});

Deno.test("Encoder sends arrays of strings whatever toJSON() they inherit", () => {
  const array = arrayOf(40, String);
  class Texts extends Array<string> {
    toJSON(): string {
      return "wrong";
    }
  }
  assertSame([...roundTrip(Texts.from(array))], array);
  Object.defineProperty(Array.prototype, "toJSON", {
    value: () => "wrong",
    configurable: true,
  });
  try {
    assertArrives(array);
  } finally {
    Reflect.deleteProperty(Array.prototype, "toJSON");
  }
});

Deno.test("Encoder sends one extension for an array of numbers or strings", () => {
  const numbers = encodeMessages([arrayOf(32, Number)]);
  assertEquals(numbers[12], Extension.NUMBERS);
  const strings = encodeMessages([arrayOf(32, String)]);
  assertEquals(strings[12], Extension.STRINGS);
});
