import { assert, assertEquals, assertFalse } from "@std/assert";
import { MIN_ATTACHMENT_BYTES } from "../../src/codec/wire_limits.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import {
  concat,
  decodeFrame,
  roundTrip,
  takeBytes,
} from "../helpers/frames.ts";

/** Makes a buffer of `length` bytes that can grow to twice as many. */
function resizable(length: number): ArrayBuffer {
  const buffer = new ArrayBuffer(length, { maxByteLength: length * 2 });
  new Uint8Array(buffer).fill(7);
  return buffer;
}

for (const length of [0, 8, MIN_ATTACHMENT_BYTES]) {
  Deno.test(`Encoder round-trips a resizable buffer of ${length} bytes`, () => {
    const sent = resizable(length);
    const received = roundTrip(sent);
    assert(received.resizable);
    assertEquals(received.maxByteLength, length * 2);
    assertEquals(new Uint8Array(received), new Uint8Array(sent));
  });

  Deno.test(`Encoder round-trips a view that follows such a buffer of ${length} bytes`, () => {
    for (const offset of [0, length]) {
      const views = [
        new Uint8Array(resizable(length), offset),
        new Float64Array(resizable(length), offset),
        new DataView(resizable(length), offset),
      ];
      for (const received of roundTrip(views)) {
        assertEquals(received.byteLength, length - offset);
        assertEquals(received.byteOffset, offset);
        assertEquals(received.buffer.byteLength, length);
        received.buffer.resize(length * 2);
        assertEquals(received.byteLength, length * 2 - offset);
      }
    }
  });
}

Deno.test("Encoder round-trips a view of a part of a resizable buffer", () => {
  for (const [offset, length] of [[0, 2], [2, 1], [2, 2], [4, 0]] as const) {
    const sent = new Uint16Array(resizable(8), offset * 2, length);
    const received = roundTrip(sent);
    assertEquals(received, sent);
    assertEquals(received.byteOffset, offset * 2);
    received.buffer.resize(16);
    assertEquals(received.length, length);
  }
});

Deno.test("Encoder distinguishes views of a resizable buffer that can't grow", () => {
  const make = (length?: number) =>
    new Uint8Array(new ArrayBuffer(8, { maxByteLength: 8 }), 4, length);
  const [follows, fixed] = roundTrip([make(), make(4)]) as [
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
  ];
  follows.buffer.resize(6);
  assertEquals(follows.length, 2);
  fixed.buffer.resize(6);
  assertEquals(fixed.length, 0);
  const view = (length?: number) =>
    new DataView(new ArrayBuffer(8, { maxByteLength: 8 }), 4, length);
  const [one, other] = roundTrip([view(), view(4)]) as [
    DataView<ArrayBuffer>,
    DataView<ArrayBuffer>,
  ];
  one.buffer.resize(6);
  assertEquals(one.byteLength, 2);
  other.buffer.resize(8);
  assertEquals(other.byteLength, 4);
});

Deno.test("Encoder leaves the buffer of a view as it is", () => {
  const sent = new Uint8Array(resizable(8));
  roundTrip(sent);
  assertEquals(sent.length, 8);
  assertFalse(sent.buffer.detached);
});

Deno.test("Encoder sends a resizable buffer as it was when it was written", () => {
  const buffer = resizable(MIN_ATTACHMENT_BYTES);
  const writer = new FrameWriter();
  writer.message([buffer]);
  buffer.resize(1);
  new Uint8Array(buffer)[0] = 0;
  const [received] = decodeFrame(concat(takeBytes(writer))) as [ArrayBuffer];
  assertEquals(received, resizable(MIN_ATTACHMENT_BYTES));
});

Deno.test("FrameWriter counts resizable buffers in the size of a list", () => {
  const writer = new FrameWriter();
  writer.beginList([1], false);
  writer.append(1);
  const before = writer.listByteLength;
  writer.append(new ArrayBuffer(0, { maxByteLength: 2 ** 30 }));
  assert(writer.listByteLength - before > 2 ** 18);
  writer.beginList([1], false);
  assert(writer.listByteLength < 100);
});
