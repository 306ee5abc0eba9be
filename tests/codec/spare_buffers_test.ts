import {
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import { SPARE_BYTES, SpareBuffers } from "../../src/codec/spare_buffers.ts";

Deno.test("SpareBuffers.take() returns a buffer that was given, once", () => {
  const buffers = new SpareBuffers();
  const bytes = buffers.take();
  assertEquals(bytes.length, SPARE_BYTES);
  buffers.give(bytes);
  assertStrictEquals(buffers.take(), bytes);
  assertNotStrictEquals(buffers.take(), bytes);
});

Deno.test("SpareBuffers.give() drops buffers that are too small or too large", () => {
  const buffers = new SpareBuffers();
  for (const length of [0, 4_096, SPARE_BYTES - 1, 2 ** 20 + 1]) {
    buffers.give(new Uint8Array(length));
  }
  assertEquals(buffers.take().length, SPARE_BYTES);
});

Deno.test("SpareBuffers.give() keeps 4 MiB in total", () => {
  const buffers = new SpareBuffers();
  for (let count = 0; count < 10; count++) {
    buffers.give(new Uint8Array(2 ** 20));
  }
  const sizes = Array.from({ length: 6 }, () => buffers.take().length);
  assertEquals(sizes, [
    ...new Array(4).fill(2 ** 20),
    SPARE_BYTES,
    SPARE_BYTES,
  ]);
});
