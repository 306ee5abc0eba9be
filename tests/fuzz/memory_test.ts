import { assert, assertEquals, assertThrows } from "@std/assert";
import { Decoder } from "../../src/codec/decoder.ts";
import { Extension } from "../../src/codec/extensions.ts";
import { MAX_BIGINT_DIGITS } from "../../src/codec/wire_limits.ts";
import { FrameReader } from "../../src/transport/frame_reader.ts";
import { concat, decodeFrame, frameOf, roundTrip } from "../helpers/frames.ts";
import { mostClaimed } from "./frames_target.ts";

/** Decodes many copies of a value with little memory, and returns the output. */
async function decodeCopies(
  value: readonly number[],
  count: number,
): Promise<string> {
  const url = import.meta.resolve("../../src/codec/decoder.ts");
  const script = `
    import { Decoder } from ${JSON.stringify(url)};
    const one = ${JSON.stringify(value)};
    const count = ${count};
    const bytes = new Uint8Array(8 + one.length * count);
    bytes.set([0xdc, 0, 1, 0xdd]);
    new DataView(bytes.buffer).setUint32(4, count);
    for (let index = 0; index < count; index++) {
      bytes.set(one, 8 + index * one.length);
    }
    const decoder = new Decoder();
    decoder.use(bytes);
    try {
      console.log(decoder.message(0, bytes.length)[0].length);
    } catch (error) {
      console.log(error.name);
    }
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--v8-flags=--max-heap-size=256", script],
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("Decoder takes little memory for keys that look like high indices", async () => {
  // Each of these objects could become an array of 1,500 elements.
  const object = [0x81, 0xa4, 0x31, 0x30, 0x32, 0x33, 0xc0];
  assertEquals(await decodeCopies(object, 100_000), "100000");
});

Deno.test("Decoder takes little memory for arrays that claim to be long", async () => {
  const uint32 = (value: number) => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value);
    return [...bytes];
  };
  for (const length of [1_500, 100_000, 2 ** 25, 2 ** 32 - 1]) {
    const gap = [0xd6, Extension.GAP, ...uint32(length)];
    const content = [0xce, ...uint32(length), 0x91, ...gap, 0x80];
    const array = [0xc7, content.length, Extension.ARRAY, ...content];
    assertEquals(await decodeCopies(array, 100_000), "100000");
  }
  // Each array claims that its elements follow, which are arrays like itself.
  const claim = [0xcd, 0xff, 0xff, 0xdd, 0, 0, 0x40, 0];
  const nested = [0xc9, 0, 0, 0xff, 0xff, Extension.ARRAY, ...claim];
  assertEquals(await decodeCopies(nested, 100_000), "RangeError");
});

Deno.test("Decoder refuses more resizable buffers than the system can map", async () => {
  // Each would take a page of memory, and addresses for 1 MiB.
  const content = [0xc7, 2, Extension.BINARY, 0, 1];
  const parts = [0x95, 0, 0xce, 0, 0x10, 0, 0, 0, 0xc0, ...content];
  const buffer = [0xc7, parts.length, Extension.RESIZABLE, ...parts];
  assertEquals(await decodeCopies(buffer, 4_096), "4096");
  assertEquals(await decodeCopies(buffer, 200_000), "RangeError");
});

Deno.test("Decoder keeps keys that look like indices", () => {
  for (const keys of [["1023"], ["16", "17", "4999"], ["01", "-1", "1e3"]]) {
    const object = Object.fromEntries(keys.map((key) => [key, { key }]));
    const received = roundTrip(object);
    assertEquals(received, object);
    assertEquals(
      Object.getOwnPropertyDescriptors(received),
      Object.getOwnPropertyDescriptors(object),
    );
  }
});

Deno.test("Decoder refuses an error whose text isn't a string", () => {
  for (const key of ["name", "message", "stack"]) {
    const content = [
      [0xa0, 0xa0, 0xa0, 0xa0, 0x81, 0xa0 | key.length],
      new TextEncoder().encode(key),
      [0x81, 0xa1, 0x61, 1],
    ] as const;
    const bytes = concat(content);
    const error = concat([[0xc7, bytes.length, Extension.ERROR], bytes]);
    assertThrows(() => decodeFrame(frameOf(error)), RangeError, key);
  }
});

Deno.test("Decoder refuses a bigint that is too long without parsing it", () => {
  const digits = MAX_BIGINT_DIGITS + 2;
  const bytes = new Uint8Array(9 + digits).fill(0x31);
  bytes.set([0xdc, 0, 1, 0xc9]);
  new DataView(bytes.buffer).setUint32(4, digits);
  bytes[8] = Extension.BIGINT;
  const decoder = new Decoder();
  decoder.use(bytes);
  assertThrows(() => decoder.message(0, bytes.length), RangeError, "too long");
});

Deno.test("FrameReader allocates few buffers for a large frame in small pieces", async () => {
  const buffers = new Set<ArrayBufferLike>();
  const total = 50_000;
  let sent = 0;
  const reader = new FrameReader({
    // deno-lint-ignore require-await
    async read(buffer: Uint8Array): Promise<number | null> {
      assert(buffer.length <= mostClaimed(sent), `room for ${buffer.length}`);
      buffers.add(buffer.buffer);
      if (sent === total) return null;
      // The length announces 1 GiB, and one byte arrives at a time.
      buffer[0] = sent++ === 0 ? 0x40 : 0;
      return 1;
    },
  });
  try {
    while (await reader.read(() => {}));
    throw new Error("It was read");
  } catch (error) {
    assert(error instanceof RangeError, `${error}`);
  }
  assert(buffers.size <= 3, `${buffers.size} buffers`);
});
