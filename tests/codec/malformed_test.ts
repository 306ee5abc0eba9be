import { encode as encodeOther } from "@msgpack/msgpack";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { makeKey } from "../../src/codec/crypto_keys.ts";
import { Decoder } from "../../src/codec/decoder.ts";
import { Extension } from "../../src/codec/extensions.ts";
import {
  MAX_DEPTH,
  MIN_ATTACHMENT_BYTES,
} from "../../src/codec/wire_limits.ts";
import {
  Chunks,
  concat,
  decodeFrame,
  encodeMessages,
  frameAround,
  frameOf,
  nest,
  readMessages,
} from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";
import { createSecretKey } from "node:crypto";

const BIG = new Random(8).bytes(MIN_ATTACHMENT_BYTES);

/** One small value of every kind. */
const EVERYTHING: readonly unknown[] = [
  [1, -1, 300, 70_000, -70_000, 1.5, -0, NaN, true, false, null, undefined],
  { a: "text", "long key that doesn't fit 31 bytes": "é", __proto__: null },
  ["x".repeat(40), "é".repeat(200), "\ud800", 1n, 2n ** 70n, -(2n ** 70n)],
  [new Date(5), /a+/gu, new URL("https://example.com/")],
  [new Map<unknown, unknown>([[1, new Set(["a"])]]), new Set([new Map()])],
  [new Uint8Array(3), new Float64Array(2), new ArrayBuffer(5)],
  [new Array(3), Object.assign([1, 2], { a: 1 }), Object(1n), Object("text")],
  [
    resizable(5),
    new Uint8Array(resizable(9)),
    new DataView(resizable(9), 2, 3),
  ],
  createSecretKey(new Uint8Array([1, 2, 3])),
  new AggregateError([new TypeError("a")], "b", { cause: { c: 1 } }),
  Array.from({ length: 32 }, (_, index) => index / 2),
  Array.from({ length: 32 }, (_, index) => `é${index}`),
];

function resizable(length: number): ArrayBuffer {
  return new ArrayBuffer(length, { maxByteLength: length + 5 });
}

/** Checks that the decoder refuses a frame as malformed. */
function assertMalformed(frame: Uint8Array<ArrayBuffer>): void {
  assertThrows(() => decodeFrame(frame), RangeError);
}

/** Checks that the reader accepts bytes or refuses them properly. */
async function assertReadOrRefused(bytes: Uint8Array): Promise<void> {
  try {
    const messages = await readMessages(new Chunks([bytes]));
    assert(messages.every(Array.isArray));
  } catch (error) {
    assert(error instanceof RangeError, `${error}`);
  }
}

/** Wraps bytes in an extension. */
function extension(
  type: number,
  ...content: readonly (Uint8Array | readonly number[])[]
): Uint8Array<ArrayBuffer> {
  const bytes = concat(content);
  return concat([[0xc7, bytes.length, type], bytes]);
}

/** Encodes a big-endian 32-bit integer. */
function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Encodes a number of missing elements. */
function gap(length: number): readonly number[] {
  return [0xd6, Extension.GAP, ...uint32(length)];
}

/** Encodes the parts of a resizable buffer of 3 bytes and a view of it. */
function resizableParts(
  kind: number,
  maxByteLength: number,
  offset: number,
  length: number,
): readonly number[] {
  const content = extension(Extension.BINARY, [0, 7, 8, 9]);
  return [0x95, kind, maxByteLength & 0xff, offset, length, ...content];
}

/** Encodes the parts of Node's key. */
function keyParts(type: string, key: readonly number[]): readonly number[] {
  const bytes = extension(Extension.BINARY, [1, ...key]);
  const name = [0xa0 | type.length, ...bytesOf(type)];
  return [0x95, ...name, ...bytes, 0xc0, 0xc3, 0x90];
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Changes some bytes at random. */
function mutate(frame: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(frame);
  for (let count = 1 + random.below(4); count > 0; count--) {
    // Other tests change the length.
    const index = 4 + random.below(bytes.length - 4);
    const bit = bytes[index]! ^ (1 << random.below(8));
    const special = random.pick([0x00, 0x7f, 0x80, 0xc1, 0xc9, 0xdd, 0xff]);
    bytes[index] = random.pick([bit, special, random.below(256)]);
  }
  return bytes;
}

Deno.test("Decoder refuses a message that isn't an array 16", () => {
  assertMalformed(frameAround([]));
  for (let code = 0; code < 256; code++) {
    if (code !== 0xdc) assertMalformed(frameAround([code, 0, 0]));
  }
  assertEquals(decodeFrame(frameAround([0xdc, 0, 0])), []);
});

Deno.test("Decoder refuses missing and surplus bytes", () => {
  assertMalformed(frameAround([0xdc, 0, 0, 1]));
  assertMalformed(frameAround([0xdc, 0, 1]));
  assertMalformed(frameAround([0xdc, 0, 2, 1]));
  assertMalformed(frameAround([0xdc, 0, 1, 1, 1]));
  assertMalformed(frameAround([0xdc, 0, 1, 1, 0xc6, 0, 0, 0, 0]));
  assertMalformed(frameAround([0xdc, 0, 3, 1, 0xc6, 0, 0, 0, 0, 1]));
  assertMalformed(frameAround([0xdc, 0, 2, 1, 0xc6, 0, 0, 0, 2, 0]));
});

Deno.test("Decoder refuses the only format that MessagePack doesn't define", () => {
  assertMalformed(frameOf([0xc1]));
  assertMalformed(frameOf([0x91, 0xc1]));
});

Deno.test("Decoder refuses lengths beyond the end of the bytes", () => {
  const claims: readonly number[][] = [
    [0x91], // an array
    [0x9f],
    [0xdc, 0xff, 0xff],
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0x81], // an object
    [0x81, 0xa1],
    [0x81, 0xa0],
    [0xde, 0xff, 0xff],
    [0xdf, 0xff, 0xff, 0xff, 0xff],
    [0xdf, 0x80, 0x00, 0x00, 0x00],
    [0xa1], // a string
    [0xd9, 0xff, 0x61],
    [0xda, 0xff, 0xff, 0x61],
    [0xdb, 0xff, 0xff, 0xff, 0xff, 0x61],
    [0xc4, 0xff, 0x61], // binary
    [0xc5, 0xff, 0xff, 0x61],
    [0x91, 0xc6, 0xff, 0xff, 0xff, 0xff, 0x61],
    [0xc7, 0xff, Extension.SET, 0x90], // an extension
    [0xc8, 0xff, 0xff, Extension.BIGINT, 0x61],
    [0xc9, 0xff, 0xff, 0xff, 0xff, Extension.UTF16, 0, 0],
    [0xd8, Extension.DATE, 0, 0, 0, 0, 0, 0, 0, 0],
  ];
  for (const claim of claims) {
    assertMalformed(frameOf(claim));
    assertMalformed(frameOf([0x91, ...claim]));
    assertMalformed(frameOf(extension(Extension.SET, claim)));
  }
});

Deno.test("Decoder refuses extensions whose content has the wrong size", () => {
  const contents: readonly [number, readonly number[]][] = [
    [Extension.DATE, new Array(8).fill(0)],
    [Extension.SET, [0x91, 1]],
    [Extension.MAP, [0x92, 1, 2]],
    [Extension.REGEXP, [0xa1, 0x61, 0xa0]],
    [Extension.ERROR, [0xa0, 0xa0, 0xa0, 0xa0, 0x80]],
    [Extension.UTF16, [0, 0x61]],
    [Extension.ARRAY, [2, 0x91, 0xd6, Extension.GAP, 0, 0, 0, 2, 0x80]],
    [Extension.ARRAY, [1, 0x91, 5, 0x81, 0xa1, 0x61, 1]],
    [Extension.BOXED, [0xa1, 0x61]],
    [Extension.RESIZABLE, resizableParts(1, 3, 1, 2)],
    [Extension.KEY, keyParts("secret", [1, 2])],
    [Extension.NUMBERS, [4, 1, 2, 3, 4]],
    [Extension.NUMBERS, [6, 1, 2, 3, 4]],
    [Extension.NUMBERS, [9, 1, 2, 3, 4, 5, 6, 7, 8]],
    [Extension.STRINGS, [0, ...bytesOf('["a"]')]],
    [Extension.BLOB, [0xa0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0]],
    [Extension.BLOB, [0xa0, 0xa1, 0x61, 5, 0, 0, 0, 0, 0, 0, 0, 0]],
  ];
  for (const [type, content] of contents) {
    decodeFrame(frameOf(extension(type, content)));
    const longer = extension(type, content, [0]);
    assertMalformed(frameOf(longer));
    assertMalformed(frameOf(concat([[0x92], longer])));
    const shorter = extension(type, content.slice(0, -1));
    assertMalformed(frameOf(shorter));
    assertMalformed(frameOf(concat([[0x92], shorter, [0, 0, 0]])));
  }
});

Deno.test("Decoder refuses extensions with the wrong content", () => {
  const contents: readonly [number, Uint8Array | readonly number[]][] = [
    [Extension.SET, [0x80]],
    [Extension.MAP, [0xa1, 0x61]],
    [Extension.REGEXP, [1, 0xa0]],
    [Extension.ERROR, [0xa0, 0xa0, 1, 0xa0, 0x80]],
    [Extension.ERROR, [0xa0, 0xa0, 0xa0, 0xa0, 0xc0]],
    [Extension.BIGINT, []],
    [Extension.BIGINT, [0x2d]],
    [Extension.BIGINT, [0x67]],
    [Extension.BIGINT, [0x2d, 0x2d, 0x31]],
    [Extension.BINARY, []],
    [Extension.BINARY, [99, 1, 2]],
    [Extension.BINARY, [9, 1, 2, 3, 4, 5, 6, 7]],
    [Extension.NUMBERS, []],
    [Extension.NUMBERS, [1, 1, 2]],
    [Extension.NUMBERS, [99]],
    [Extension.STRINGS, []],
    [Extension.STRINGS, [0]],
    [Extension.STRINGS, [0, ...bytesOf('"a"')]],
    [Extension.STRINGS, [0, ...bytesOf('{"length":0}')]],
    [Extension.STRINGS, [0, ...bytesOf('["a",1]')]],
    [Extension.STRINGS, [0, ...bytesOf('["a",["b"]]')]],
    [Extension.STRINGS, [1, 0x5b, 0x22, 0xff, 0x22, 0x5d]],
    // An array's length isn't that of its elements and gaps.
    [Extension.ARRAY, [2, 0x91, 5, 0x80]],
    [Extension.ARRAY, [0, 0x91, 5, 0x80]],
    [Extension.ARRAY, [1, 0x91, ...gap(2), 0x80]],
    [Extension.ARRAY, [1, 0x92, ...gap(2 ** 32 - 1), ...gap(2), 0x80]],
    [Extension.ARRAY, [0xff, 0x91, 5, 0x80]],
    [Extension.ARRAY, [0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0x91, 5, 0x80]],
    [Extension.ARRAY, [0xc0, 0x90, 0x80]],
    [Extension.ARRAY, [0, 0xc0, 0x80]],
    [Extension.ARRAY, [0, 0x90, 0x90]],
    [Extension.ARRAY, [0, 0x90, 0x81, 0xa1, 0x30, 1]],
    [Extension.ARRAY, [0, 0x90, 0x81, 0xa6, ...bytesOf("length"), 1]],
    [Extension.GAP, [0, 0, 0, 1]],
    [Extension.BOXED, [0xc0]],
    [Extension.BOXED, [0x90]],
    [Extension.BOXED, [0xd4, Extension.UNDEFINED, 0]],
    [Extension.RESIZABLE, [0x90]],
    [Extension.RESIZABLE, [0x80]],
    // Kinds, greatest lengths, offsets and lengths that don't fit the buffer.
    [Extension.RESIZABLE, resizableParts(99, 3, 0, 2)],
    [Extension.RESIZABLE, resizableParts(1, 2, 0, 2)],
    [Extension.RESIZABLE, resizableParts(1, -1, 0, 2)],
    [Extension.RESIZABLE, resizableParts(1, 3, 4, 2)],
    [Extension.RESIZABLE, resizableParts(1, 3, 0, 9)],
    [Extension.RESIZABLE, resizableParts(4, 3, 1, 2)],
    [Extension.KEY, [0x90]],
    [Extension.KEY, keyParts("other", [1, 2])],
    [Extension.KEY, keyParts("private", [1, 2])],
    [Extension.KEY, keyParts("public", [1, 2])],
    [Extension.KEY, [...keyParts("secret", [1]).slice(0, -1), 0x91, 1]],
    [Extension.BLOB, [1, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0]],
    [Extension.BLOB, [0xa0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0]],
    [Extension.BLOB, [0xa0, 0xa0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0]],
    [Extension.BLOB, [0xa0, 0xc0, 0, 0, 0, 1, 0, 0, 0, 0]],
    [Extension.ERROR, [0xa0, 0xa0, 0xc2, 0xa0, 0x80]],
    // A loop over these members would take minutes.
    [Extension.SET, extension(Extension.ARRAY, [4, 0x91, ...gap(4), 0x80])],
    [Extension.MAP, extension(Extension.ARRAY, [4, 0x91, ...gap(4), 0x80])],
    [Extension.KEY, [
      ...keyParts("secret", [1]).slice(0, -1),
      ...extension(Extension.ARRAY, [4, 0x91, ...gap(4), 0x80]),
    ]],
    // As text, this name would be that of an algorithm.
    [Extension.KEY, [
      ...keyParts("secret", [1]).slice(0, -3),
      ...[0x82, 0xa4, ...bytesOf("name"), 0x91, 0xa4, ...bytesOf("HMAC")],
      ...[0xa4, ...bytesOf("hash"), 0xa5, ...bytesOf("SHA-1")],
      ...[0xc3, 0x91, 0xa4, ...bytesOf("sign")],
    ]],
  ];
  for (const [type, content] of contents) {
    assertMalformed(frameOf(extension(type, content)));
  }
});

Deno.test("Decoder refuses invalid URLs and regular expressions", () => {
  const text = new TextEncoder().encode("not a URL");
  assertThrows(() => decodeFrame(frameOf(extension(Extension.URL, text))));
  const source = extension(Extension.REGEXP, [0xa1, 0x28, 0xa0]);
  assertThrows(() => decodeFrame(frameOf(source)));
});

Deno.test("Decoder refuses unknown extension types", () => {
  const known = new Set<number>(Object.values(Extension));
  for (let type = 0; type < 256; type++) {
    if (known.has(type)) continue;
    assertMalformed(frameOf([0xd4, type, 0]));
    assertMalformed(frameOf(extension(type, [0x90])));
  }
  assertMalformed(frameOf(encodeOther(new Date(5))));
});

Deno.test("Decoder refuses strings that aren't UTF-8", () => {
  const texts = [[0x80], [0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80]];
  for (const text of texts) {
    for (const padding of [0, 10, 100]) {
      const bytes = [...new Array(padding).fill(0x61), ...text];
      assertMalformed(frameOf([0xd9, bytes.length, ...bytes]));
      assertMalformed(frameOf([0x81, 0xd9, bytes.length, ...bytes, 1]));
    }
    assertMalformed(frameOf([0xa0 | text.length, ...text]));
    assertMalformed(frameOf([0x81, 0xa0 | text.length, ...text, 1]));
  }
});

Deno.test("Decoder refuses keys that aren't strings", () => {
  for (const key of [[1], [0xc0], [0x90], [0x80], [0xc4, 1, 0x61]]) {
    assertMalformed(frameOf([0x81, ...key, 1]));
  }
});

Deno.test("Decoder refuses attachments outside of the frame", async () => {
  const attachment = (length: number, distance: number) => {
    const field = extension(
      Extension.ATTACHMENT,
      [1],
      uint32(length),
      uint32(distance),
    );
    return frameAround([0xdc, 0, 2], field, [0xc6, 0, 0, 0, 4, 9, 8, 7, 6]);
  };
  assertEquals(
    decodeFrame(attachment(4, 4)),
    [new Uint8Array([9, 8, 7, 6])],
  );
  const most = 2 ** 32 - 1;
  const lies = [[5, 4], [4, 3], [4, 10], [4, 100], [100, 4], [
    0,
    most,
  ]] as const;
  for (
    const [length, distance] of [...lies, [most, 4], [most, most]] as const
  ) {
    const lie = attachment(length, distance);
    assertMalformed(lie);
    // The bytes that it claims may exist, but in other frames.
    const good = encodeMessages(["x".repeat(300)]);
    const source = new Chunks([concat([good, lie, good])]);
    await assertRejects(() => readMessages(source), RangeError);
  }
});

Deno.test("Decoder refuses attachments that overlap", () => {
  // Each of these values would copy all bytes.
  const size = [uint32(1_000), uint32(1_000)];
  const field = extension(Extension.ATTACHMENT, [0], ...size);
  const attached = concat([[0xc6], uint32(1_000), new Uint8Array(1_000)]);
  const frame = (count: number) => {
    const fields = new Array<Uint8Array>(count).fill(field);
    return frameAround([0xdc, 0, count + 1], ...fields, attached);
  };
  decodeFrame(frame(1));
  assertMalformed(frame(50));
});

Deno.test("Decoder refuses resizable buffers that could grow too much", () => {
  const large = [0x95, 0, 0xce, ...uint32(2 ** 32 - 1), 0, 0xc0];
  const content = extension(Extension.BINARY, [0]);
  const one = extension(Extension.RESIZABLE, large, content);
  const frame = (count: number) =>
    frameOf(concat([[0xdc, 0, count], ...new Array(count).fill(one)]));
  decodeFrame(frame(16));
  assertMalformed(frame(32));
  const endless = [0x95, 0, 0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0xc0];
  assertMalformed(
    frameOf(extension(Extension.RESIZABLE, endless, content)),
  );
});

Deno.test("makeKey() refuses keys that would take long to check", () => {
  const key = (type: string, length: number) => () =>
    makeKey([type, new Uint8Array(length), null, true, []]);
  for (const type of ["private", "public"]) {
    assertThrows(key(type, 65_536), RangeError, "a key is invalid");
    assertThrows(key(type, 65_537), RangeError, "a key is too long");
  }
  key("secret", 65_537)();
});

Deno.test("Decoder doesn't convert an array in place of a number", () => {
  // To convert a long one would take seconds, and half a gigabyte.
  const parts = [0x95, 0, 0x91, 5, 0, 0xc0];
  const content = extension(Extension.BINARY, [0, 1]);
  Object.defineProperty(Array.prototype, Symbol.toPrimitive, {
    value: () => assert(false, "an array was converted"),
    configurable: true,
  });
  try {
    assertMalformed(frameOf(extension(Extension.RESIZABLE, parts, content)));
  } finally {
    Reflect.deleteProperty(Array.prototype, Symbol.toPrimitive);
  }
});

Deno.test("Decoder refuses attachments that aren't a whole number of elements", () => {
  const field = extension(Extension.ATTACHMENT, [9], uint32(12), uint32(12));
  for (let padding = 0; padding < 8; padding++) {
    const filler = new Array(padding).fill(0xc0);
    const attached = concat([[0xc6, 0, 0, 0, 12], new Uint8Array(12)]);
    const fields = [0xdc, 0, 2 + padding];
    assertMalformed(frameAround(fields, filler, field, attached));
  }
});

Deno.test("Decoder refuses values that nest too deeply", () => {
  const size = 1_000_000;
  const array = new Uint8Array(size).fill(0x91);
  assertMalformed(frameOf(array));
  const object = Uint8Array.from(
    { length: size },
    (_, i) => i % 2 ? 0xa0 : 0x81,
  );
  assertMalformed(frameOf(object));
  const keys = new Uint8Array(size).fill(0x81);
  assertMalformed(frameOf(keys));
  const types = [
    Extension.SET,
    Extension.MAP,
    Extension.REGEXP,
    Extension.BOXED,
    Extension.KEY,
    Extension.RESIZABLE,
  ];
  for (const type of types) {
    const pattern = [0xc9, 0, 1, 0, 0, type];
    const nested = Uint8Array.from({ length: size }, (_, i) => pattern[i % 6]!);
    assertMalformed(frameOf(nested));
  }
});

Deno.test("Decoder decodes another message after it refused one", () => {
  const good = encodeMessages([nest(MAX_DEPTH), { a: 2 }]);
  // The decoder refuses these at different depths.
  const refused = [1, 10, MAX_DEPTH, MAX_DEPTH + 100].map((levels) =>
    frameOf(new Uint8Array(levels).fill(0x91))
  );
  const decoder = new Decoder();
  for (const frame of refused) {
    decoder.use(frame);
    assertThrows(() => decoder.message(4, frame.length), RangeError);
    decoder.use(good);
    const message = decoder.message(4, good.length);
    assertEquals(encodeMessages(message), good);
  }
});

Deno.test("Decoder refuses every truncation of a message", async () => {
  const frame = encodeMessages([...EVERYTHING]);
  for (let length = 0; length < frame.length - 4; length++) {
    assertMalformed(frameAround(frame.subarray(4, 4 + length)));
    const cut = frame.subarray(0, 4 + length);
    await assertRejects(() => readMessages(new Chunks([cut])), RangeError);
  }
});

Deno.test("Decoder refuses truncations of a message with attachments", () => {
  const content = encodeMessages(["a", BIG, [BIG]]).subarray(4);
  const lengths = [
    ...Array(100).keys(),
    ...Array(100).keys().map((i) => content.length - 1 - i * 400),
  ];
  for (const length of lengths) {
    assertMalformed(frameAround(content.subarray(0, length)));
  }
});

Deno.test("FrameReader reads or refuses frames with random changes", async () => {
  const random = new Random(9);
  const frames = [
    encodeMessages([...EVERYTHING]),
    ...EVERYTHING.map((value) => encodeMessages([value])),
    encodeMessages([3, 1, 0, [[1], ["text"], [{ a: 1 }]]]),
  ] as const;
  for (let round = 0; round < 10_000; round++) {
    await assertReadOrRefused(mutate(random.pick(frames), random));
  }
});

Deno.test("FrameReader reads or refuses attachments with random changes", async () => {
  const random = new Random(10);
  const frame = encodeMessages([BIG, new Float64Array(5_000)]);
  const fields = frame.length - BIG.length - 40_000;
  for (let round = 0; round < 1_000; round++) {
    const changed = mutate(frame.subarray(0, fields), random);
    await assertReadOrRefused(concat([changed, frame.subarray(fields)]));
  }
});

Deno.test("FrameReader reads or refuses random bytes", async () => {
  const random = new Random(11);
  for (let round = 0; round < 5_000; round++) {
    const bytes = random.bytes(random.below(60));
    await assertReadOrRefused(bytes);
    await assertReadOrRefused(frameAround(bytes));
    await assertReadOrRefused(frameOf(bytes));
  }
});

Deno.test("Decoder allocates memory in proportion to the bytes", async () => {
  const url = import.meta.resolve("../../src/codec/decoder.ts");
  // Each array claims as many elements as there are bytes after its header.
  const script = `
    import { Decoder } from ${JSON.stringify(url)};
    const bytes = new Uint8Array(2 ** 22);
    const view = new DataView(bytes.buffer);
    bytes.set([0xdc, 0, 1]);
    for (let level = 0; level < 999; level++) {
      const position = 3 + level * 5;
      bytes[position] = 0xdd;
      view.setUint32(position + 1, bytes.length - position - 5);
    }
    const decoder = new Decoder();
    decoder.use(bytes);
    try {
      decoder.message(0, bytes.length);
    } catch (error) {
      console.log(error.name);
    }
  `;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--v8-flags=--max-heap-size=256", script],
  });
  const { stdout } = await command.output();
  assertEquals(new TextDecoder().decode(stdout), "RangeError\n");
});
