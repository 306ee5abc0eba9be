import { assertEquals, assertThrows } from "@std/assert";
import { deserialize, serialize } from "node:v8";
import { checkV8Data } from "../../src/codec/check_v8_data.ts";
import { MAX_GRAPH_DEPTH } from "../../src/codec/wire_limits.ts";
import { concat, nest } from "../helpers/frames.ts";

/** Data of V8's serializer with its header: text stands for its codes. */
function dataOf(...parts: (string | number)[]): Uint8Array<ArrayBuffer> {
  return concat([
    [0xff, 0x0f],
    ...parts.map((part) =>
      typeof part === "number"
        ? [part]
        : Array.from(part, (char) => char.charCodeAt(0))
    ),
  ]);
}

function assertRefused(
  bytes: Uint8Array<ArrayBuffer>,
  message = "Malformed message",
): void {
  const check = () => checkV8Data(bytes, 1, [2, 0]);
  assertThrows(check, RangeError, message);
}

Deno.test("checkV8Data() accepts what V8 serializes", () => {
  const knot: Record<string, unknown> = { a: 1 };
  knot.self = knot;
  const values = [
    ...[
      undefined,
      null,
      true,
      false,
      0,
      -1,
      2 ** 31,
      -0,
      NaN,
      1n,
      -(1n << 90n),
    ],
    ...["", "é", "a中", "\ud800", "x".repeat(200), "中".repeat(200)],
    ...[[], [1, [2]], {}, { a: 1, 5: 2, "": { b: "中" } }, knot],
    ...[new Map<unknown, unknown>([[1, { a: 1 }], [{}, 2]]), new Set([1, {}])],
    ...[new Date(5), Object(1), Object("a"), Object("中"), Object(1n)],
    ...[Object(true), Object(false), { 1: 0, 19: 0 }, { 100_000: 1 }],
    ...[{ 4294967295: 1, 4_000_000_000: 1 }, { "01": 1, "1e3": 1 }],
    nest(MAX_GRAPH_DEPTH),
  ];
  for (const value of values) {
    checkV8Data(new Uint8Array(serialize(value)), 1, []);
  }
});

Deno.test("checkV8Data() accepts references to tables", () => {
  for (const index of [0, 1]) checkV8Data(dataOf("\\", 0, index), 1, [2, 0]);
});

Deno.test("checkV8Data() refuses references to nothing", () => {
  for (const [table, index] of [[0, 2], [1, 0], [2, 0], [127, 127]] as const) {
    assertRefused(dataOf("\\", table, index), "refers to nothing");
  }
});

Deno.test("checkV8Data() refuses every truncation and addition", () => {
  const value = { a: [1.5, "b", new Map([[{}, new Set([Object(1n)])]])] };
  const bytes = new Uint8Array(serialize(value));
  for (let length = 0; length < bytes.length; length++) {
    assertRefused(bytes.slice(0, length));
  }
  assertRefused(concat([bytes, [0x30]]), "left over");
  assertRefused(concat([bytes, [0]]), "left over");
});

Deno.test("checkV8Data() refuses another version", () => {
  for (const version of [0, 13, 14, 16, 0x8f]) {
    assertRefused(concat([[0xff, version], [0x30]]), "version 15");
  }
  assertRefused(Uint8Array.of(0x30, 0x30), "version 15");
});

Deno.test("checkV8Data() refuses what V8 serializes and graphs don't contain", () => {
  const holey = [1, , 3];
  const values = [holey, /a/g, new Error("a"), Object.assign([1], { a: 1 })];
  for (const value of values) {
    const bytes = new Uint8Array(serialize(value));
    deserialize(bytes);
    assertRefused(bytes);
  }
  // A sparse array, an ArrayBuffer, a resizable one, a transferred one, a
  // shared one, WebAssembly, UTF-8, an unsigned integer and a hole.
  const others = ["a\0@\0\0", "B\0", "~\0\x10", "t\0", "u\0", "w\0", "m\0"];
  for (const data of [...others, "S\0", "U\0", "A\x01-$\0\x01"]) {
    assertRefused(dataOf(data));
  }
});

Deno.test("checkV8Data() refuses wrong sizes", () => {
  const cases = ["o{\x01", "A\0$\x01\0", "A\0$\0\x01", ";0:\x01", ";00:\x01"];
  const others = [
    "'0,\x02",
    "A\x010$\0\x02",
    "A\x0100$\0\x01",
    'o"\x01a0{\x02',
  ];
  for (const data of [...cases, ...others, 'o"\x01a{\0']) {
    assertRefused(dataOf(data));
  }
});

Deno.test("checkV8Data() refuses keys that aren't strings or numbers", () => {
  for (const key of ["0", "o{\0", "T", "^\0", "D12345678"]) {
    assertRefused(dataOf("o", key, "0{\x01"), "in place of a string");
  }
  assertRefused(dataOf("sI\0"), "in place of a string");
});

Deno.test("checkV8Data() refuses integers of more than 32 bits", () => {
  assertRefused(dataOf("I", ...new Array(5).fill(0xff), 1), "32 bits");
  assertRefused(dataOf("I", 0xff, 0xff, 0xff, 0xff, 0x10), "32 bits");
  checkV8Data(dataOf("I", 0xff, 0xff, 0xff, 0xff, 0x0f), 1, []);
});

Deno.test("checkV8Data() refuses values that nest too deeply", () => {
  const levels = MAX_GRAPH_DEPTH + 2;
  for (const begin of ["A\x01", 'o"\x01a', ";", "'"]) {
    assertRefused(dataOf(begin.repeat(levels), "0"), "levels");
  }
});

Deno.test("checkV8Data() refuses keys for which V8 allocates unused elements", () => {
  const integer = dataOf("oI", 0xfe, 0x0f, "0{\x01");
  const double = concat([
    dataOf("oN"),
    new Uint8Array(new Float64Array([1_023]).buffer),
    dataOf("0{\x01").slice(2),
  ]);
  const latin1 = dataOf('o"\x041023', "0{\x01");
  const utf16 = dataOf("oc\x081\x000\x002\x003\0", "0{\x01");
  for (const bytes of [integer, double, latin1, utf16]) {
    assertEquals(deserialize(bytes), { 1023: null });
    assertRefused(bytes, "too far");
  }
  // In an array, V8 takes them for further elements.
  assertRefused(dataOf("A\0I", 0xfe, 0x0f, "0$\x01\0"));
});

Deno.test("Decoder takes little memory for data with which V8 alone would exhaust it", async () => {
  const url = import.meta.resolve("../helpers/graphs.ts");
  // Ten sparse arrays of 30 million elements each.
  const script = `
    import { decodeGraphs } from ${JSON.stringify(url)};
    const sparse = [0x61, 0x80, 0x87, 0xa7, 0x0e];
    const end = [0x40, 0, 0x80, 0x87, 0xa7, 0x0e];
    const data = [0xff, 15, 0x41, 10];
    for (let count = 0; count < 10; count++) data.push(...sparse, ...end);
    data.push(0x24, 0, 10);
    const content = [0x90, 0x90, 0x90, 0x90, 0xc7, data.length + 1, 7, 1];
    content.push(...data);
    const frame = [0, 0, 0, 0, 0xdc, 0, 1, 0xc7, content.length, 11];
    frame.push(...content);
    try {
      decodeGraphs(Uint8Array.from(frame));
    } catch (error) {
      console.log(error.message);
    }
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--v8-flags=--max-heap-size=256", script],
  }).output();
  assertEquals(
    new TextDecoder().decode(stdout),
    "Malformed message: V8's data has the tag 0x61\n",
  );
});

Deno.test("Decoder takes memory in proportion to data that checkV8Data() accepts", async () => {
  // A megabyte of the values that take the most memory for their bytes.
  const script = `
    import { loadV8Serializer } from ${
    JSON.stringify(import.meta.resolve("../../src/codec/v8_serializer.ts"))
  };
    import { checkV8Data } from ${
    JSON.stringify(import.meta.resolve("../../src/codec/check_v8_data.ts"))
  };
    const { deserialize } = await loadV8Serializer();
    const number = (n) => [n & 127 | 128, n >> 7 & 127 | 128, n >> 14];
    for (const value of ["y", "n12345678", "o{\\0", ";:\\0", "',\\0", "A\\0$\\0\\0"]) {
      const codes = Array.from(value, (char) => char.charCodeAt(0));
      const count = Math.floor(2 ** 20 / codes.length);
      const body = Array.from({ length: count }, () => codes).flat();
      const begin = [0xff, 15, 0x41, ...number(count)];
      const end = [0x24, 0, ...number(count)];
      const bytes = new Uint8Array(begin.length + body.length + end.length);
      bytes.set(begin);
      bytes.set(body, begin.length);
      bytes.set(end, begin.length + body.length);
      checkV8Data(bytes, 1, []);
      const [list] = deserialize(bytes, 1, () => {});
      console.log(list.length === count);
    }
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--v8-flags=--max-heap-size=256", script],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "true\n".repeat(6));
});
