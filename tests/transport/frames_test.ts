import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { FrameReader } from "../../src/transport/frame_reader.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import {
  FIRST_HEADER_BYTES,
  OutgoingFrame,
  PART_BYTES,
  PART_FLAG,
} from "../../src/transport/outgoing_frame.ts";
import {
  MAX_FRAME_BYTES,
  MAX_MESSAGE_BYTES,
  MIN_ATTACHMENT_BYTES,
} from "../../src/codec/wire_limits.ts";
import {
  assertSame,
  Chunks,
  concat,
  encodeMessages,
  readMessages,
} from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

/** The largest buffer for small frames. */
const CHUNK_BYTES = 65_536;

/** The buffer of a connection that receives little. */
const SMALL_BYTES = 4_096;

const BIG = new Random(6).bytes(MIN_ATTACHMENT_BYTES);

const SMALL_MESSAGES: readonly unknown[][] = [
  [1, 2, { kind: "inline", source: "(a) => a + 1", name: "é" }],
  [3, 2, 0, [[1, "two"], [undefined, 3n], [new Map([[1, new Set([2])]])]]],
  [],
  [5, 0, 12_345, [new Date(5), new URL("https://example.com"), /a+/g, -0]],
  [7, 1, 5, new TypeError("message").message, []],
];

const LARGE_MESSAGES: readonly unknown[][] = [
  ["before"],
  [3, BIG, "x".repeat(1_000)],
  ["between"],
  [BIG, [BIG, 5, BIG]],
  ["y".repeat(CHUNK_BYTES)],
  ["after"],
];

/** Splits bytes at some positions. */
function split(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const ends = [...positions, bytes.length];
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/** Splits bytes into pieces of one size. */
function slices(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / size);
  return split(
    bytes,
    Array.from({ length: count - 1 }, (_, index) => (index + 1) * size),
  );
}

/** Checks that the messages arrive when the source returns these pieces. */
async function assertArrive(
  messages: readonly unknown[][],
  pieces: readonly Uint8Array[],
): Promise<void> {
  assertSame(await readMessages(new Chunks(pieces)), messages);
}

/** Makes a message whose frame has this size. */
function messageOf(bytes: number): unknown[] {
  const fill = bytes - encodeMessages(["x".repeat(30_000)]).length;
  const message = ["x".repeat(30_000 + fill)];
  assertEquals(encodeMessages(message).length, bytes);
  return message;
}

Deno.test("FrameReader reads many frames at once", async () => {
  const messages = Array.from({ length: 20_000 }, (_, index) => [index]);
  await assertArrive(messages, [encodeMessages(...messages)]);
});

Deno.test("FrameReader reports the size of each frame", async () => {
  const source = new Chunks([encodeMessages(...LARGE_MESSAGES)]);
  const reader = new FrameReader(source);
  const lengths: number[] = [];
  while (await reader.read((_, byteLength) => lengths.push(byteLength)));
  assertEquals(
    lengths,
    LARGE_MESSAGES.map((message) => encodeMessages(message).length),
  );
});

Deno.test("FrameReader reports a message as soon as it is complete", async () => {
  const frames = SMALL_MESSAGES.map((message) => encodeMessages(message));
  const [first, second, third, ...rest] = frames;
  const reader = new FrameReader(
    new Chunks([
      first!,
      concat([second!, third!.subarray(0, 5)]),
      third!.subarray(5),
      ...rest,
    ]),
  );
  const counts: number[] = [];
  let count = 0;
  while (await reader.read(() => count++)) counts.push(count);
  assertEquals(counts, [1, 2, 3, 4, 5]);
});

Deno.test("FrameReader ends when the stream ends", async () => {
  const reader = new FrameReader(new Chunks([]));
  const fail = () => {
    throw new Error("There is no message");
  };
  assertStrictEquals(await reader.read(fail), false);
  assertStrictEquals(await reader.read(fail), false);
});

Deno.test("FrameReader reads frames cut at any byte", async () => {
  const bytes = encodeMessages(...SMALL_MESSAGES);
  for (let position = 1; position < bytes.length; position++) {
    await assertArrive(SMALL_MESSAGES, split(bytes, [position]));
  }
});

Deno.test("FrameReader reads frames byte by byte", async () => {
  const bytes = encodeMessages(...SMALL_MESSAGES);
  for (let size = 1; size < 20; size++) {
    await assertArrive(SMALL_MESSAGES, slices(bytes, size));
  }
});

Deno.test("FrameReader reads large frames cut at any byte near their ends", async () => {
  const bytes = encodeMessages(...LARGE_MESSAGES);
  let end = 0;
  for (const message of LARGE_MESSAGES) {
    end += encodeMessages(message).length;
    for (let offset = -20; offset <= 20; offset++) {
      const position = Math.min(Math.max(end + offset, 0), bytes.length);
      await assertArrive(LARGE_MESSAGES, split(bytes, [position]));
    }
  }
});

Deno.test("FrameReader reads large frames in pieces of any size", async () => {
  const bytes = encodeMessages(...LARGE_MESSAGES);
  for (const size of [97, 4_096, 32_768, 65_535, 65_536, 65_537, 100_000]) {
    await assertArrive(LARGE_MESSAGES, slices(bytes, size));
  }
});

Deno.test("FrameReader reads random messages in random pieces", async () => {
  const random = new Random(7);
  for (let round = 0; round < 50; round++) {
    const messages = random.list(30, () => {
      const fields = random.list(4, () => random.value(3));
      const big = BIG.subarray(0, BIG.length - 50 + random.below(100));
      return random.below(5) === 0 ? [...fields, big] : fields;
    });
    const bytes = encodeMessages(...messages);
    const positions = random.list(50, () => random.below(bytes.length + 1));
    await assertArrive(
      messages,
      split(bytes, positions.sort((a, b) => a - b)),
    );
  }
});

Deno.test("FrameReader reads frames that are larger than its buffer", async () => {
  for (const size of [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1]) {
    const messages = [messageOf(size), ["a"], ["b"], messageOf(size), ["c"]];
    await assertArrive(messages, [encodeMessages(...messages)]);
  }
});

Deno.test("FrameReader reads frames that end where its buffer ends", async () => {
  for (const rest of [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]) {
    const messages = [["a"], messageOf(CHUNK_BYTES - 10 + rest), ["b"], ["c"]];
    assertEquals(encodeMessages(["a"]).length, 9);
    await assertArrive(messages, [encodeMessages(...messages)]);
  }
});

Deno.test("FrameReader reads small frames after a large one", async () => {
  const large = ["large", new Uint8Array(5_000_000).fill(1)];
  const small = Array.from({ length: 1_000 }, (_, index) => [index]);
  const messages = [large, ...small, large, ...small];
  await assertArrive(messages, [encodeMessages(...messages)]);
});

Deno.test("FrameReader releases large buffers", async () => {
  const messages = [["x".repeat(5_000_000)], ["a"], ["b"], ["c"]];
  const source = new Chunks(
    messages.map((message) => encodeMessages(message)),
  );
  assertSame(await readMessages(source), messages);
  assertEquals(source.offered.at(-1), SMALL_BYTES);
});

Deno.test("FrameReader reads into a small buffer until a read fills it", async () => {
  const small = encodeMessages(["a"]);
  const source = new Chunks([small, small, encodeMessages(messageOf(40_000))]);
  await readMessages(source);
  assertEquals(source.offered.slice(0, 3), [SMALL_BYTES, SMALL_BYTES, 4_096]);
  assertEquals(source.offered.at(-1), CHUNK_BYTES);
});

Deno.test("FrameReader reads into a large buffer after many small frames at once", async () => {
  const messages = Array.from({ length: 1_000 }, (_, index) => [index, "abc"]);
  const source = new Chunks([encodeMessages(...messages)]);
  assertSame(await readMessages(source), messages);
  assertEquals(source.offered[0], SMALL_BYTES);
  assertGreater(source.offered[1]!, CHUNK_BYTES - SMALL_BYTES);
});

Deno.test("FrameReader returns to a small buffer after several small reads", async () => {
  const small = encodeMessages(["a"]);
  const source = new Chunks([
    encodeMessages(messageOf(40_000)),
    ...new Array(20).fill(small),
  ]);
  await readMessages(source);
  assertEquals(source.offered.at(5), CHUNK_BYTES);
  assertEquals(source.offered.at(-1), SMALL_BYTES);
});

Deno.test("FrameReader keeps values apart from buffers that it shares", async () => {
  const messages = [[BIG], ["a"], [BIG, "x".repeat(9_000)], ["b"], [BIG]];
  const bytes = encodeMessages(...messages);
  const all = await Promise.all(
    [1_000, 5_000, 70_000].map((size) =>
      readMessages(new Chunks(slices(bytes, size)))
    ),
  );
  for (const received of all) assertSame(received, messages);
});

Deno.test("FrameReader allocates memory as bytes arrive, whatever the frame announces", async () => {
  const bytes = new Uint8Array(1_000_000);
  new DataView(bytes.buffer).setUint32(0, MAX_FRAME_BYTES);
  const source = new Chunks(slices(bytes, 1_000));
  await assertRejects(() => readMessages(source), RangeError);
  assertLessOrEqual(source.offered.length, 1_005);
  source.offered.forEach((size, index) =>
    assertLessOrEqual(size, 2 ** 21 + index * 16_000)
  );
});

Deno.test("FrameReader refuses a frame as soon as it announces too many bytes", async () => {
  for (const length of [MAX_FRAME_BYTES + 1, 2 ** 31 - 1]) {
    const prefix = new Uint8Array(4);
    new DataView(prefix.buffer).setUint32(0, length);
    const source = new Chunks([prefix, new Uint8Array(100)]);
    const reader = new FrameReader(source);
    await assertRejects(
      () => reader.read(() => {}),
      RangeError,
      `a frame has ${length} bytes, which exceeds the limit of ${MAX_FRAME_BYTES}`,
    );
  }
});

Deno.test("FrameReader refuses a frame when the stream ends within it", async () => {
  const bytes = encodeMessages(["first"], ["second"], ["third", 5n]);
  const ends = new Set([0, 13, 13 + 14, bytes.length]);
  for (let length = 0; length <= bytes.length; length++) {
    const source = new Chunks([bytes.subarray(0, length)]);
    if (ends.has(length)) await readMessages(source);
    else {
      await assertRejects(
        () => readMessages(source),
        RangeError,
        "the connection ended within it",
      );
    }
  }
});

Deno.test("FrameReader rejects with the errors of the callback and of the source", async () => {
  const reason = new Error("reason");
  const reader = new FrameReader(new Chunks([encodeMessages([1], [2])]));
  const fail = () => {
    throw reason;
  };
  assertStrictEquals(await assertRejects(() => reader.read(fail)), reason);
  const broken = new FrameReader({ read: () => Promise.reject(reason) });
  assertStrictEquals(await assertRejects(() => broken.read(fail)), reason);
});

/** Returns the parts of a message, each with its header. */
function partsOf(message: unknown[]): Uint8Array[] {
  const writer = new FrameWriter();
  writer.message(message, undefined, "passing");
  return writer.take().flatMap((frame) => {
    assertInstanceOf(frame, OutgoingFrame);
    const parts: Uint8Array[] = [];
    while (!frame.isComplete) {
      parts.push(concat(
        frame.next().map(({ content, start, end }) => {
          assert(ArrayBuffer.isView(content));
          return content.subarray(start, end);
        }),
      ));
    }
    return parts;
  });
}

Deno.test("FrameReader reads frames in parts, with whole frames between them", async () => {
  const large = ["large", new Random(3).bytes(1_000_000), "x".repeat(300_000)];
  const between = Array.from({ length: 9 }, (_, index) => [index, BIG]);
  const parts = partsOf(large);
  assertGreater(parts.length, 4);
  const bytes = concat(
    parts.flatMap((part, index) => [encodeMessages(between[index]!), part]),
  );
  const sent = [...between.slice(0, parts.length), large];
  for (const size of [1_000, 4_097, 65_536, 300_000, bytes.length]) {
    assertSame(await readMessages(new Chunks(slices(bytes, size))), sent);
  }
});

Deno.test("FrameReader reads frames in parts that are cut at any byte of a header", async () => {
  const message = [new Random(4).bytes(400_000)];
  const parts = partsOf(message);
  const bytes = concat([...parts, encodeMessages(["after"])]);
  const second = parts[0]!.length;
  for (let cut = 0; cut < 10; cut++) {
    for (const at of [cut, second + cut]) {
      await assertArrive([message, ["after"]], split(bytes, [at, at + 1]));
    }
  }
});

Deno.test("FrameReader reports the size of a frame in parts without their headers", async () => {
  const message = [new Uint8Array(1_000_000)];
  const lengths: number[] = [];
  const reader = new FrameReader(new Chunks(partsOf(message)));
  while (await reader.read((_, byteLength) => lengths.push(byteLength)));
  assertEquals(lengths, [encodeMessages(message).length]);
});

Deno.test("FrameReader refuses parts of a wrong size", async () => {
  const part = (length: number, ...more: number[]) => {
    const bytes = new Uint8Array((1 + more.length) * 4);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, PART_FLAG + length);
    more.forEach((value, index) => view.setUint32(4 + index * 4, value));
    return bytes;
  };
  const rest = new Uint8Array(100);
  const wrong = [
    [part(0, 0, 100)],
    [part(0, 0, 0)],
    [part(1, 0, 0), rest],
    [part(101, 0, 100), rest],
    [part(PART_BYTES, 0, PART_BYTES - 1), rest],
    [part(60, 0, 100), rest.subarray(0, 60), part(41), rest],
    [part(60, 0, 100), rest.subarray(0, 60), part(0), rest],
  ];
  for (const pieces of wrong) {
    await assertRejects(
      () => readMessages(new Chunks([concat(pieces)])),
      RangeError,
      "a part of a frame has a wrong size",
    );
  }
});

Deno.test("FrameReader expects a frame of more than 4 GiB, but no larger one than a message", async () => {
  for (
    const [byteLength, isAllowed] of [
      [MAX_MESSAGE_BYTES, true],
      [MAX_MESSAGE_BYTES + 1, false],
      [2 ** 63, false],
    ] as const
  ) {
    const bytes = new Uint8Array(FIRST_HEADER_BYTES + 1);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, PART_FLAG + 1);
    view.setUint32(4, Math.floor(byteLength / 2 ** 32));
    view.setUint32(8, byteLength);
    const reader = new FrameReader(new Chunks([bytes]));
    const read = reader.read(() => {});
    if (isAllowed) {
      assertEquals(await read, true);
      assertEquals(reader.missingBytes, byteLength - 1);
    } else {
      await assertRejects(() => read, RangeError, "exceeds the limit of");
    }
  }
});

Deno.test("FrameReader refuses a part as soon as it announces too many bytes", async () => {
  for (const length of [PART_BYTES + 1, 2 ** 31 - 1]) {
    const bytes = new Uint8Array(8).fill(0xff);
    new DataView(bytes.buffer).setUint32(0, PART_FLAG + length);
    const reader = new FrameReader(new Chunks([bytes.subarray(0, 4), bytes]));
    await assertRejects(
      () => reader.read(() => {}),
      RangeError,
      `a part of a frame has ${length} bytes`,
    );
  }
});

Deno.test("FrameReader refuses parts when the stream ends within or between them", async () => {
  const parts = partsOf([new Uint8Array(1_000_000)]);
  const bytes = concat(parts);
  const lengths = [1, 7, 8, 11, 12, 13, parts[0]!.length, bytes.length - 1];
  for (const length of lengths) {
    await assertRejects(
      () => readMessages(new Chunks([bytes.subarray(0, length)])),
      RangeError,
      "the connection ended within it",
    );
  }
});

Deno.test("FrameReader allocates memory as parts arrive, whatever the first one announces", async () => {
  const bytes = new Uint8Array(1_000_000);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += PART_BYTES + 4) {
    view.setUint32(at, PART_FLAG + PART_BYTES);
    if (at === 0) view.setUint32(at += 8, 2 ** 32 - 1);
  }
  const source = new Chunks(slices(bytes, 1_000));
  await assertRejects(() => readMessages(source), RangeError);
  source.offered.forEach((size, index) =>
    assertLessOrEqual(size, 2 ** 21 + index * 16_000)
  );
});
