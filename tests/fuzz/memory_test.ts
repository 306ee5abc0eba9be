import { assert, assertEquals, assertThrows } from "@std/assert";
import { Decoder } from "../../src/codec/decoder.ts";
import { Extension } from "../../src/codec/extensions.ts";
import { MAX_BIGINT_DIGITS } from "../../src/codec/wire_limits.ts";
import { FrameReader } from "../../src/transport/frame_reader.ts";
import { concat, decodeFrame, frameOf, roundTrip } from "../helpers/frames.ts";
import { mostClaimed } from "./frames_target.ts";

Deno.test("Decoder takes little memory for keys that look like high indices", async () => {
  const url = import.meta.resolve("../../src/codec/decoder.ts");
  // Each of these objects could become an array of 1,500 elements.
  const script = `
    import { Decoder } from ${JSON.stringify(url)};
    const one = [0x81, 0xa4, 0x31, 0x30, 0x32, 0x33, 0xc0];
    const count = 100_000;
    const bytes = new Uint8Array(8 + one.length * count);
    bytes.set([0xdc, 0, 1, 0xdd]);
    new DataView(bytes.buffer).setUint32(4, count);
    for (let index = 0; index < count; index++) {
      bytes.set(one, 8 + index * one.length);
    }
    const decoder = new Decoder();
    decoder.use(bytes);
    console.log(decoder.message(0, bytes.length)[0].length);
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--v8-flags=--max-heap-size=256", script],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "100000\n");
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
