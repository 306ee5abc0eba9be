import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import {
  OutgoingFrame,
  PART_BYTES,
} from "../../src/transport/outgoing_frame.ts";
import {
  MAX_MESSAGE_BYTES,
  MIN_ATTACHMENT_BYTES,
} from "../../src/codec/wire_limits.ts";
import {
  assertSame,
  Chunks,
  concat,
  decodeFrame,
  encodeMessages,
  readMessages,
  takeBytes,
} from "../helpers/frames.ts";

const BIG = new Uint8Array(MIN_ATTACHMENT_BYTES).fill(1);
const refused = () => {};

/** Takes all messages of a writer. */
async function takeMessages(writer: FrameWriter): Promise<unknown[][]> {
  const { byteLength } = writer;
  const bytes = concat(takeBytes(writer));
  writer.recycle();
  assertEquals(bytes.length, byteLength);
  assertEquals(writer.byteLength, 0);
  return await readMessages(new Chunks([bytes]));
}

Deno.test("FrameWriter.message() returns the size of the frame", () => {
  const writer = new FrameWriter();
  const messages = [[1], ["é".repeat(300), BIG], [], [BIG, [BIG], 5]];
  let total = 0;
  for (const message of messages) {
    const byteLength = writer.message(message);
    assertEquals(byteLength, encodeMessages(message).length);
    total += byteLength;
    assertEquals(writer.byteLength, total);
  }
  assertSame(concat(takeBytes(writer)), encodeMessages(...messages));
});

Deno.test("FrameWriter writes lists value by value", async () => {
  const values = [1, "two", [3], BIG, undefined, BIG.with(0, 2)];
  const writer = new FrameWriter();
  writer.beginList([3, 2 ** 32 - 1, -1], false);
  for (const value of values) writer.append(value);
  writer.endList();
  const messages = await takeMessages(writer);
  assertSame(messages, [[3, 2 ** 32 - 1, -1, values]]);
});

Deno.test("FrameWriter writes the busy time before the list", async () => {
  const writer = new FrameWriter();
  for (const busy of [undefined, 0, 1, 2 ** 32 - 1]) {
    writer.beginList([5, 6], true);
    writer.append("value");
    writer.endList(busy);
  }
  assertSame(
    await takeMessages(writer),
    [0, 0, 1, 2 ** 32 - 1].map((busy) => [5, 6, busy, ["value"]]),
  );
});

Deno.test("FrameWriter writes long lists", async () => {
  const values = Array.from({ length: 70_000 }, (_, index) => index);
  const writer = new FrameWriter();
  writer.beginList([1], false);
  for (const value of values) writer.append(value);
  assertSame(await takeMessages(writer), [[1, values]]);
});

Deno.test("FrameWriter.append() returns the size of the value", () => {
  const writer = new FrameWriter();
  writer.beginList([1], false);
  const begun = writer.listByteLength;
  assertEquals(writer.append(1), 1);
  assertEquals(writer.append("text"), 5);
  // Besides the bytes, there are their position and a header.
  assertEquals(writer.append(BIG), BIG.length + 15 + 5);
  assertEquals(writer.append([BIG, 1]), 1 + BIG.length + 15 + 5 + 1);
  const more = 1 + 5 + BIG.length + 20 + BIG.length + 22;
  assertEquals(writer.listByteLength, begun + more);
});

Deno.test("FrameWriter.listByteLength is the size of the list's frame", () => {
  const writer = new FrameWriter();
  writer.message(["before", BIG]);
  const before = writer.byteLength;
  writer.beginList([1, 2], true);
  for (const value of [1, BIG, "text", [BIG]]) writer.append(value);
  const { listByteLength } = writer;
  assertEquals(writer.byteLength, before + listByteLength);
  writer.endList(5);
  assertEquals(writer.byteLength, before + listByteLength);
  assertEquals(concat(takeBytes(writer)).length, before + listByteLength);
});

Deno.test("FrameWriter removes empty lists", async () => {
  const writer = new FrameWriter();
  for (const timed of [false, true]) {
    writer.beginList([1, 2], timed);
    writer.endList(7);
    assertEquals(writer.byteLength, 0);
  }
  writer.beginList([1], true);
  writer.beginList([2], false);
  writer.append("value");
  writer.beginList([3], false);
  writer.message(["message", BIG]);
  writer.beginList([4], true);
  assertSame(await readMessages(new Chunks([concat(takeBytes(writer))])), [[2, [
    "value",
  ]], ["message", BIG]]);
  assertEquals(writer.byteLength, 0);
  writer.message(["after"]);
  assertSame(await takeMessages(writer), [["after"]]);
});

Deno.test("FrameWriter ends a list when another message begins", async () => {
  const writer = new FrameWriter();
  writer.beginList([1], false);
  writer.append("a");
  writer.message(["message"]);
  writer.beginList([2], true);
  writer.append("b");
  writer.beginList([3], false);
  writer.append("c");
  writer.append("d");
  assertSame(await takeMessages(writer), [
    [1, ["a"]],
    ["message"],
    [2, 0, ["b"]],
    [3, ["c", "d"]],
  ]);
});

Deno.test("FrameWriter.endList() does nothing when there is no list", async () => {
  const writer = new FrameWriter();
  writer.endList(5);
  assertEquals(writer.byteLength, 0);
  writer.message(["message"]);
  writer.endList(5);
  writer.endList(5);
  assertSame(await takeMessages(writer), [["message"]]);
});

Deno.test("FrameWriter keeps a list's other values when one is refused", async () => {
  const writer = new FrameWriter();
  writer.beginList([1], false);
  const values = ["a", BIG, ["b"], BIG.with(0, 2)];
  for (const value of values) {
    writer.append(value);
    const { byteLength, listByteLength } = writer;
    const bad = [BIG, "x".repeat(100_000), { BIG, refused }];
    assertThrows(() => writer.append(bad), TypeError);
    assertThrows(() => writer.append(refused), TypeError);
    assertEquals(writer.byteLength, byteLength);
    assertEquals(writer.listByteLength, listByteLength);
  }
  assertSame(await takeMessages(writer), [[1, values]]);
});

Deno.test("FrameWriter removes a list when its only value is refused", async () => {
  const writer = new FrameWriter();
  writer.message(["before", BIG]);
  const before = writer.byteLength;
  writer.beginList([1], true);
  assertThrows(() => writer.append([BIG, refused]), TypeError);
  writer.endList(3);
  assertEquals(writer.byteLength, before);
  writer.message(["after"]);
  assertSame(await takeMessages(writer), [["before", BIG], ["after"]]);
});

Deno.test("FrameWriter ends the list when the next message is refused", async () => {
  const writer = new FrameWriter();
  writer.beginList([1], false);
  writer.append(BIG);
  assertThrows(() => writer.message([BIG, refused]), TypeError);
  assertSame(await takeMessages(writer), [[1, [BIG]]]);
});

Deno.test("FrameWriter.append() throws and writes nothing when there is no list", async () => {
  const writer = new FrameWriter();
  assertThrows(() => writer.append([BIG, 1]));
  assertEquals(writer.byteLength, 0);
  writer.beginList([1], false);
  writer.append("value");
  assertSame(await takeMessages(writer), [[1, ["value"]]]);
  assertThrows(() => writer.append("late"));
  assertEquals(writer.byteLength, 0);
  writer.message(["message"]);
  assertSame(await takeMessages(writer), [["message"]]);
});

Deno.test("FrameWriter.byteLength counts an open list", () => {
  const writer = new FrameWriter();
  assertEquals(writer.byteLength, 0);
  writer.beginList([1], false);
  const begun = writer.byteLength;
  writer.append(BIG);
  assertEquals(writer.byteLength, begun + BIG.length + 20);
});

Deno.test("FrameWriter.borrowsMemory is true while attachments wait or are taken", () => {
  const writer = new FrameWriter();
  assertEquals(writer.borrowsMemory, false);
  writer.message([BIG.subarray(1)]);
  assertThrows(() => writer.message([BIG, refused]), TypeError);
  assertEquals(writer.borrowsMemory, false);
  writer.message([BIG]);
  assertEquals(writer.borrowsMemory, true);
  writer.take();
  assertEquals(writer.borrowsMemory, true);
  writer.recycle();
  assertEquals(writer.borrowsMemory, false);
  writer.beginList([1], false);
  assertThrows(() => writer.append([BIG, refused]), TypeError);
  assertEquals(writer.borrowsMemory, false);
  writer.append([[BIG]]);
  assertEquals(writer.borrowsMemory, true);
});

Deno.test("FrameWriter.take() returns attachments without copying them", () => {
  const writer = new FrameWriter();
  const big = [1, 2, 3].map((byte) => BIG.with(0, byte));
  writer.message(["first", big[0], big[1]]);
  writer.message(["second"]);
  writer.message(["third", big[2]]);
  const pieces = takeBytes(writer);
  const attached = pieces.filter(({ length }) => length >= BIG.length);
  assertEquals(attached.map((piece) => piece[0]), [2, 1, 3]);
  attached.forEach((piece) =>
    assertStrictEquals(piece.buffer, big[piece[0]! - 1]!.buffer)
  );
  assertEquals(pieces.length, 6);
  assertEquals(pieces.every(({ length }) => length > 0), true);
});

Deno.test("FrameWriter.take() returns the bytes after the last attachment", async () => {
  const writer = new FrameWriter();
  const messages = [[BIG], ["between"], [BIG, BIG], ["after"]];
  for (const message of messages) writer.message(message);
  assertSame(await takeMessages(writer), messages);
});

Deno.test("FrameWriter keeps the frame's length when a buffer is transferred", async () => {
  const lost = [
    (buffer: ArrayBuffer) => buffer.transfer(),
    (buffer: ArrayBuffer) => buffer.resize(8),
  ];
  for (const lose of lost) {
    const writer = new FrameWriter();
    const buffer = new ArrayBuffer(BIG.length, { maxByteLength: BIG.length });
    writer.message(["first", new Uint8Array(buffer)]);
    writer.message(["second"]);
    lose(buffer);
    const [first, second] = await takeMessages(writer);
    assertEquals(first![0], "first");
    assertEquals(second, ["second"]);
  }
});

Deno.test("FrameWriter.take() returns pieces that later messages don't change", () => {
  const writer = new FrameWriter();
  writer.message(["first"]);
  const pieces = takeBytes(writer);
  const before = concat(pieces);
  for (let round = 0; round < 3; round++) {
    writer.message(["x".repeat(20)]);
    takeBytes(writer);
    assertSame(concat(pieces), before);
  }
});

Deno.test("FrameWriter.recycle() makes a buffer available again", () => {
  const writer = new FrameWriter();
  const takeBuffer = () => {
    writer.message(["message"]);
    const [piece] = takeBytes(writer);
    assertEquals(decodeFrame(piece!.slice()), ["message"]);
    return piece!.buffer;
  };
  const first = takeBuffer();
  writer.recycle();
  const second = takeBuffer();
  assertNotStrictEquals(second, first);
  assertStrictEquals(takeBuffer(), first);
  // The last buffer wasn't returned.
  assertNotStrictEquals(takeBuffer(), first);
});

Deno.test("FrameWriter.recycle() drops buffers that grew large", () => {
  const writer = new FrameWriter();
  writer.message(["x".repeat(2 ** 21)]);
  const [large] = takeBytes(writer);
  writer.recycle();
  for (let round = 0; round < 3; round++) {
    writer.message([round]);
    assertNotStrictEquals(takeBytes(writer)[0]!.buffer, large!.buffer);
    writer.recycle();
  }
});

Deno.test("FrameWriter has no buffer before it writes", () => {
  const writer = new FrameWriter();
  assertEquals(takeBytes(writer)[0]!.buffer.byteLength, 0);
});

Deno.test("FrameWriter writes little into a small buffer, even after a large message", () => {
  const writer = new FrameWriter();
  for (const text of ["a", "x".repeat(30_000), "b", "c"]) {
    writer.message([text]);
    const { byteLength } = takeBytes(writer)[0]!.buffer;
    assertEquals(byteLength === 4_096, text.length === 1);
    writer.recycle();
  }
});

Deno.test("FrameWriter shares large buffers with other writers", () => {
  const text = "x".repeat(10_000);
  const [one, other] = [new FrameWriter(), new FrameWriter()];
  one.message([text]);
  const [first] = takeBytes(one);
  one.recycle();
  other.message([text]);
  const [second] = takeBytes(other);
  assertStrictEquals(second!.buffer, first!.buffer);
  one.message([text]);
  assertNotStrictEquals(takeBytes(one)[0]!.buffer, second!.buffer);
});

Deno.test("FrameWriter refuses messages that exceed the largest frame", async () => {
  const writer = new FrameWriter();
  const large = new Uint8Array(2 ** 26);
  const fields = new Array(MAX_MESSAGE_BYTES / large.length).fill(large);
  assertThrows(
    () => writer.message(fields),
    TypeError,
    `exceeds the limit of ${MAX_MESSAGE_BYTES} bytes`,
  );
  assertEquals(writer.byteLength, 0);
  writer.message(["after"]);
  assertSame(await takeMessages(writer), [["after"]]);
});

Deno.test("FrameWriter refuses the value that makes a list too large", () => {
  const writer = new FrameWriter();
  const large = new Uint8Array(2 ** 26);
  const fitting = MAX_MESSAGE_BYTES / large.length - 1;
  writer.beginList([1], false);
  for (let count = 0; count < fitting; count++) writer.append(large);
  assertThrows(
    () => writer.append(large),
    TypeError,
    "It exceeds the limit of",
  );
  writer.append("value");
  writer.endList();
  const pieces = takeBytes(writer);
  assertEquals(
    pieces.filter((piece) => piece.length === large.length).length,
    fitting,
  );
});

Deno.test("FrameWriter stops writing when a message is too large", () => {
  const writer = new FrameWriter();
  const large = new Uint8Array(2 ** 26);
  const nearlyAll = new Array(MAX_MESSAGE_BYTES / large.length - 1).fill(large);
  let reads = 0;
  const text = "x".repeat(2 ** 23);
  const texts = Array.from({ length: 64 }, () => ({
    get text() {
      reads++;
      return text;
    },
  }));
  assertThrows(
    () => writer.message([nearlyAll, texts]),
    TypeError,
    `exceeds the limit of ${MAX_MESSAGE_BYTES} bytes`,
  );
  assertEquals(writer.byteLength, 0);
  assertLess(reads, 32);
});

Deno.test("FrameWriter.take() returns a large frame that may be overtaken, apart from others", () => {
  const large = new Uint8Array(PART_BYTES);
  const writer = new FrameWriter();
  writer.message(["before", BIG]);
  writer.message(["slow", large, BIG], undefined, "passing");
  writer.message(["between"], undefined, "passing");
  writer.beginList([1], true, "passing");
  writer.append(large);
  writer.message(["in order", large]);
  const kinds = writer.take().map((piece) =>
    piece instanceof OutgoingFrame
      ? "frame"
      : piece.length < BIG.length
      ? "bytes"
      : "attachment"
  );
  assertEquals(kinds, [
    ...["bytes", "attachment", "frame", "bytes", "frame"],
    ...["bytes", "attachment"],
  ]);
});

Deno.test("FrameWriter.take() keeps what the parts of frames contain", async () => {
  const messages = [
    ["before", BIG],
    ["slow", new Uint8Array(PART_BYTES).fill(3), "x".repeat(9_000), BIG],
    ["between"],
    [BIG, new Uint8Array(PART_BYTES).fill(4)],
  ];
  const writer = new FrameWriter();
  for (const message of messages) writer.message(message, undefined, "passing");
  assertSame(await takeMessages(writer), messages);
});

Deno.test("FrameWriter.borrowsMemory is true until a frame that may be overtaken is sent", () => {
  const writer = new FrameWriter();
  for (const value of [new Uint8Array(PART_BYTES), "x".repeat(PART_BYTES)]) {
    writer.message([value], undefined, "passing");
    const taken = writer.take();
    writer.recycle();
    assertEquals(writer.borrowsMemory, true);
    assertEquals(taken.length, 1);
    writer.sent();
    assertEquals(writer.borrowsMemory, false);
    writer.message([value], undefined, "passing");
    writer.discard();
    assertEquals(writer.borrowsMemory, false);
  }
});

Deno.test("FrameWriter.take() cuts a frame that is too large for one length", () => {
  const large = new Uint8Array(2 ** 26);
  const writer = new FrameWriter();
  writer.message(new Array(16).fill(large));
  writer.message(["after"]);
  const [frame, after, ...rest] = writer.take();
  assertEquals(rest, []);
  assertInstanceOf(frame, OutgoingFrame);
  assertEquals(frame.mayBeOvertaken, false);
  assertEquals(after instanceof OutgoingFrame, false);
  let total = 0;
  while (!frame.isComplete) {
    for (const { start, end } of frame.next()) total += end - start;
  }
  const parts = Math.ceil(frame.byteLength / PART_BYTES);
  assertEquals(total, frame.byteLength + parts * 4 + 8);
});
