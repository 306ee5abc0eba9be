import { assertEquals, assertLessOrEqual } from "@std/assert";
import { IncomingFrame } from "../../src/transport/incoming_frame.ts";
import { assertSame } from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

/** Fills a frame with bytes, at most `step` at a time. */
function fill(frame: IncomingFrame, bytes: Uint8Array, step: number): void {
  for (let start = 0; start < bytes.length;) {
    const room = frame.room(step);
    const count = Math.min(room.length, step, bytes.length - start);
    room.set(bytes.subarray(start, start + count));
    frame.fill(count);
    start += count;
  }
}

Deno.test("IncomingFrame collects bytes, whatever their number", () => {
  const bytes = new Random(5).bytes(40_000_000);
  for (const length of [1, 7, 8, 2 ** 21, 2 ** 21 + 1, 2_500_000, 40_000_000]) {
    for (const step of [65_521, 1_000_003]) {
      const frame = new IncomingFrame(length);
      fill(frame, bytes.subarray(0, length), step);
      assertEquals(frame.isComplete, true);
      assertEquals(frame.missing, 0);
      assertSame(frame.bytes, bytes.subarray(0, length));
    }
  }
});

Deno.test("IncomingFrame appends copies across stages", () => {
  const bytes = new Random(6).bytes(5_000_000);
  const frame = new IncomingFrame(bytes.length);
  frame.append(bytes.subarray(0, 3_000_000));
  assertEquals(frame.missing, 2_000_000);
  frame.append(bytes.subarray(3_000_000));
  assertSame(frame.bytes, bytes);
});

Deno.test("IncomingFrame ends at a multiple of 8 bytes of its buffer", () => {
  for (const length of [1, 8, 1_001, 2_500_001, 40_000_007]) {
    const frame = new IncomingFrame(length);
    fill(frame, new Uint8Array(length), 1_000_003);
    const { byteOffset, byteLength, buffer } = frame.bytes;
    assertEquals((byteOffset + byteLength) % 8, 0);
    assertEquals(byteOffset + byteLength, buffer.byteLength);
  }
});

Deno.test("IncomingFrame takes at most 16 times as much memory as has arrived", () => {
  const frame = new IncomingFrame(2 ** 32 - 1);
  for (let received = 0; received < 20_000_000; received += 100_000) {
    const { buffer } = frame.room(100_000);
    const most = Math.max(received * 16, 2 ** 21) + 8;
    assertLessOrEqual(buffer.byteLength, most);
    for (let left = 100_000; left > 0;) {
      const { length } = frame.room(left);
      frame.fill(length);
      left -= length;
    }
  }
});
