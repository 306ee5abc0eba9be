import {
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStrictEquals,
} from "@std/assert";
import { Buffer } from "node:buffer";
import { Decoder } from "../../src/codec/decoder.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import { MIN_ATTACHMENT_BYTES } from "../../src/codec/wire_limits.ts";
import {
  assertSame,
  Chunks,
  encodeMessages,
  readMessages,
  roundTrip,
  takePieces,
} from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

type Binary = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/** Every kind of view, with its constructor. */
const KINDS: readonly [string, (buffer: ArrayBuffer) => Binary][] = [
  ["ArrayBuffer", (buffer) => buffer],
  ["DataView", (buffer) => new DataView(buffer)],
  ["Uint8Array", (buffer) => new Uint8Array(buffer)],
  ["Int8Array", (buffer) => new Int8Array(buffer)],
  ["Uint8ClampedArray", (buffer) => new Uint8ClampedArray(buffer)],
  ["Int16Array", (buffer) => new Int16Array(buffer)],
  ["Uint16Array", (buffer) => new Uint16Array(buffer)],
  ["Int32Array", (buffer) => new Int32Array(buffer)],
  ["Uint32Array", (buffer) => new Uint32Array(buffer)],
  ["Float16Array", (buffer) => new Float16Array(buffer)],
  ["Float32Array", (buffer) => new Float32Array(buffer)],
  ["Float64Array", (buffer) => new Float64Array(buffer)],
  ["BigInt64Array", (buffer) => new BigInt64Array(buffer)],
  ["BigUint64Array", (buffer) => new BigUint64Array(buffer)],
];

/** Numbers of bytes on both sides of each boundary, all multiples of 8. */
const SIZES = [0, 8, 248, 256, 264]
  .concat([-8, 0, 8, 65_536].map((more) => MIN_ATTACHMENT_BYTES + more));

/** Returns the bytes of a view or buffer. */
function bytesOf(value: Binary): Uint8Array {
  return value instanceof ArrayBuffer
    ? new Uint8Array(value)
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** Checks that two binary values have the same class and bytes. */
function assertSameBinary(received: Binary, sent: Binary): void {
  assertStrictEquals(
    Object.getPrototypeOf(received),
    Object.getPrototypeOf(sent),
  );
  assertNotStrictEquals(received, sent);
  // NaNs may have different bits.
  assertEquals(Buffer.compare(bytesOf(received), bytesOf(sent)), 0);
}

function randomBytes(length: number): ArrayBuffer {
  return new Random(length).bytes(length).buffer;
}

/** Reads a value from its frame as from a connection. */
async function readBack<T>(value: T): Promise<T> {
  const messages = await readMessages(new Chunks([encodeMessages([value])]));
  return messages[0]![0] as T;
}

for (const [name, make] of KINDS) {
  Deno.test(`Encoder round-trips ${name} of any size`, () => {
    for (const size of SIZES) {
      const sent = make(randomBytes(size));
      assertSameBinary(roundTrip(sent), sent);
      assertSameBinary(roundTrip([1, sent, 2])[1] as Binary, sent);
    }
  });
}

Deno.test("Encoder sends only a view's part of a buffer", () => {
  for (const size of SIZES.slice(1)) {
    const buffer = randomBytes(size + 64);
    const sent = [
      new Uint8Array(buffer, 3, size),
      new Uint8Array(buffer).subarray(5, size + 5),
      new Float64Array(buffer, 16, size / 8),
      new DataView(buffer, 7, size),
    ];
    roundTrip(sent).forEach((view, index) =>
      assertSameBinary(view, sent[index]!)
    );
  }
});

Deno.test("Encoder doesn't send the bytes around a small view", () => {
  const received = roundTrip(new Uint8Array(randomBytes(1_000), 10, 20));
  assertEquals(received.buffer.byteLength, 20);
});

Deno.test("Encoder sends a Node Buffer as a Uint8Array", () => {
  for (const size of SIZES) {
    const received: Uint8Array = roundTrip(Buffer.alloc(size, "é"));
    assertStrictEquals(Object.getPrototypeOf(received), Uint8Array.prototype);
    assertSame(received, new Uint8Array(Buffer.alloc(size, "é")));
  }
});

Deno.test("Encoder round-trips several attachments among small values", () => {
  const big = [0, 1, 2, 3].map((index) =>
    new Uint8Array(randomBytes(MIN_ATTACHMENT_BYTES + index * 1_001))
  );
  const sent = {
    first: big[0],
    small: new Uint8Array([1, 2, 3]),
    map: new Map<unknown, unknown>([[big[1], [big[2]]], ["text", 5]]),
    set: new Set([big[3], big[0]]),
    last: "é".repeat(1_000),
  };
  assertSame(roundTrip(sent), sent);
});

Deno.test("Encoder attaches a shared buffer each time", () => {
  const big = new Uint8Array(randomBytes(MIN_ATTACHMENT_BYTES));
  assertSame(roundTrip([big, big, big.buffer]), [big, big, big.buffer]);
});

Deno.test("Decoder makes views of attachments, and copies small values", () => {
  const big = new Uint8Array(MIN_ATTACHMENT_BYTES);
  const small = new Uint8Array(MIN_ATTACHMENT_BYTES - 1);
  const [one, two, copy] = roundTrip([big, big, small]) as Uint8Array[];
  assertStrictEquals(one!.buffer, two!.buffer);
  assertEquals(copy!.buffer.byteLength, copy!.byteLength);
});

Deno.test("FrameReader aligns the only typed array of a frame", async () => {
  const sizes = [65_536, 65_544, 80_000, 1_048_576, 20_000_000];
  for (const [name, make] of KINDS.slice(1)) {
    for (const size of sizes) {
      const sent = make(new ArrayBuffer(size)) as Uint8Array;
      const received = await readBack(sent);
      assertEquals(received.byteLength, size);
      // A copy would have a buffer of exactly its own size.
      const isView = received.buffer.byteLength > size;
      assertEquals(isView, true, `${name} of ${size} bytes was copied`);
    }
  }
});

Deno.test("FrameReader aligns a typed array after any small message", async () => {
  const sent = Float64Array.from({ length: 12_500 }, Math.random);
  for (let length = 0; length < 8; length++) {
    const small = "x".repeat(length);
    const frames = encodeMessages([small], [1, small, sent]);
    const [first, second] = await readMessages(new Chunks([frames]));
    assertEquals(first, [small]);
    const received = second![2] as Float64Array;
    assertSame(received, sent);
    assertEquals(received.buffer.byteLength > received.byteLength, true);
  }
});

Deno.test("Decoder copies typed arrays that aren't aligned", async () => {
  const odd = new Uint8Array(MIN_ATTACHMENT_BYTES + 1).fill(7);
  const sent = [...Array(4).keys()].map((index) =>
    new Float64Array(randomBytes(40_000 + index * 8))
  );
  const received = await readBack([odd, ...sent, odd]);
  assertEquals(received.length, 6);
  received.slice(1, -1).forEach((array, index) => {
    assertInstanceOf(array, Float64Array);
    assertSameBinary(array, sent[index]!);
  });
});

Deno.test("FrameReader doesn't overwrite views in earlier messages", async () => {
  const makeArray = (byte: number) =>
    new Uint8Array(MIN_ATTACHMENT_BYTES).fill(byte);
  // These frames fit into the buffer for small frames.
  const frames = [1, 2, 3, 4].flatMap((byte) => [
    encodeMessages([makeArray(byte)]),
    encodeMessages(["x".repeat(30_000)]),
  ]);
  const messages = await readMessages(new Chunks(frames));
  const views = messages.map(([field]) => field)
    .filter((field) => field instanceof Uint8Array);
  assertSame(views, [1, 2, 3, 4].map(makeArray));
  assertEquals(new Set(views.map(({ buffer }) => buffer)).size, 4);
});

Deno.test("FrameReader isn't affected by writes to a view", async () => {
  const big = new Uint8Array(MIN_ATTACHMENT_BYTES).fill(1);
  const frames = encodeMessages([big], ["after"], [big], ["end"]);
  const fields: unknown[] = [];
  // The remaining bytes share the buffer until the reader returns them.
  for (const size of [frames.length, 40_000, 1_000]) {
    const chunks = Array.from(
      { length: Math.ceil(frames.length / size) },
      (_, index) => frames.slice(index * size, (index + 1) * size),
    );
    for (const [field] of await readMessages(new Chunks(chunks))) {
      if (field instanceof Uint8Array) field.fill(255);
      else fields.push(field);
    }
  }
  assertEquals(fields, ["after", "end", "after", "end", "after", "end"]);
});

// On Windows, memory that isn't used counts too.
Deno.test({
  name: "Encoder attaches values of 4 GiB among others",
  ignore: Deno.build.os === "windows",
  fn() {
    const most = 2 ** 32;
    for (const length of [most - 2, most - 1, most, most + 8]) {
      const value = new Uint8Array(length);
      const small = new Uint8Array(MIN_ATTACHMENT_BYTES).fill(3);
      const received = receive(["before", small, value, [small], "after"]);
      const [before, first, large, [last], after] = received as [
        string,
        Uint8Array,
        Uint8Array,
        [Uint8Array],
        string,
      ];
      assertEquals([before, after], ["before", "after"]);
      assertEquals(first, small);
      assertEquals(last, small);
      assertEquals(large.length, length);
      assertEquals([large[0], large.at(-1)], [0, 0]);
    }
  },
});

/** Sends a message, and returns it as it arrives, but copies no large values. */
function receive(message: readonly unknown[]): unknown[] {
  const writer = new FrameWriter();
  writer.message(message);
  const pieces = takePieces(writer);
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(size);
  let position = 0;
  for (const { content, length } of pieces) {
    if (length < 2 ** 20) bytes.set(content as Uint8Array, position);
    position += length;
  }
  const decoder = new Decoder();
  decoder.use(bytes);
  return decoder.message(4, size);
}
