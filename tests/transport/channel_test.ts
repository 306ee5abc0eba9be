import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import type { Channel } from "../../src/transport/channel.ts";
import { MIN_ATTACHMENT_BYTES } from "../../src/codec/wire_limits.ts";
import {
  LARGE,
  receiveAll,
  send,
  sendLast,
  testChannel,
} from "../helpers/channels.ts";
import { assertSame, encodeMessages } from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

/** Messages of tens of megabytes in total. */
function largeMessages(seed: number): unknown[][] {
  const random = new Random(seed);
  return Array.from({ length: 12 }, (_, index) => [
    index,
    random.list(20, () => random.json(2)),
    new Uint8Array(3_000_000 + random.below(1_000)).fill(index),
    new Float64Array(5_000 + random.below(1_000)).fill(index),
  ]);
}

/** Holds the writes of a connection until they are released. */
function holdWrites(connection: Deno.Conn) {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const sizes: number[] = [];
  const write = connection.write.bind(connection);
  connection.write = async (bytes) => {
    begun.resolve();
    await held.promise;
    sizes.push(bytes.length);
    const written = await write(bytes);
    ended.resolve();
    return written;
  };
  return {
    begun: begun.promise,
    ended: ended.promise,
    release: held.resolve,
    sizes,
  };
}

/** Holds the writes of a connection after the first ones. */
function holdWritesAfter(connection: Deno.Conn, count: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const write = connection.write.bind(connection);
  connection.write = async (bytes) => {
    if (count-- <= 0) await promise;
    return await write(bytes);
  };
  return { release: resolve };
}

/** Waits until everything has run that doesn't wait for the system. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}

testChannel("Channel sends messages both ways", async ({ left, right }) => {
  const toLeft = [[1, "é"], [new Map([[1, 2n]])], []];
  const toRight = [["x".repeat(100_000)], [undefined]];
  const atLeft = receiveAll(left);
  const atRight = receiveAll(right);
  await Promise.all([send(left, ...toRight), send(right, ...toLeft)]);
  await send(right, ["end"]);
  assertEquals(await atLeft, toLeft);
  assertSame(await atRight, toRight);
});

testChannel("Channel tells how many bytes arrived", async ({ left, right }) => {
  const message = ["text", new Uint8Array(MIN_ATTACHMENT_BYTES)];
  const byteLengths: number[] = [];
  const received = right.receive((_, length) => byteLengths.push(length));
  await send(left, message);
  left.close();
  await received;
  assertEquals(byteLengths, [encodeMessages(message).length]);
});

testChannel("Channel sends nothing before it is flushed", async (sides) => {
  const { left, right, leftEnd } = sides;
  const { release, sizes } = holdWrites(leftEnd);
  release();
  left.writer.message(["first"]);
  left.writer.message(["second"]);
  await settle();
  assertEquals(sizes, []);
  await left.drained();
  assertEquals(sizes, [encodeMessages(["first"], ["second"]).length]);
  left.writer.message(["third"]);
  left.close();
  assertEquals(await receiveAll(right), [["first"], ["second"]]);
});

testChannel(
  "Channel collects messages that are flushed during a flush",
  async (sides) => {
    const { left, right, leftEnd } = sides;
    const { begun, release, sizes } = holdWrites(leftEnd);
    const messages = Array.from({ length: 101 }, (_, index) => [index]);
    for (const message of messages) {
      left.writer.message(message);
      left.flush();
      await begun;
    }
    release();
    await left.drained();
    const [first, ...rest] = messages;
    assertEquals(sizes, [
      encodeMessages(first!).length,
      encodeMessages(...rest).length,
    ]);
    assertEquals(await sendLast(left, right), messages);
  },
);

testChannel(
  "Channel.flush() sends nothing when nothing was written",
  async (sides) => {
    const { left, leftEnd } = sides;
    const { release, sizes } = holdWrites(leftEnd);
    release();
    left.flush();
    await left.drained();
    assertEquals(sizes, []);
  },
);

testChannel(
  "Channel.drained() waits until everything written is sent",
  async (sides) => {
    const { left, right, leftEnd } = sides;
    const { begun, release } = holdWrites(leftEnd);
    const order: string[] = [];
    const drain = () => left.drained().then(() => order.push("drained"));
    left.writer.message(["first"]);
    const first = drain();
    await begun;
    left.writer.message(["second"]);
    const second = drain();
    await settle();
    order.push("released");
    release();
    await Promise.all([first, second]);
    assertEquals(order, ["released", "drained", "drained"]);
    assertEquals(left.writer.byteLength, 0);
    assertEquals(await sendLast(left, right), [["first"], ["second"]]);
  },
);

testChannel("Channel flushes again once it has drained", async (sides) => {
  const { left, right } = sides;
  for (let index = 0; index < 20; index++) await send(left, [index]);
  assertEquals((await sendLast(left, right)).length, 20);
});

testChannel(
  "Channel sends small messages from the same few buffers",
  async (sides) => {
    const { left, right, leftEnd } = sides;
    const buffers = new Set<ArrayBufferLike>();
    const write = leftEnd.write.bind(leftEnd);
    leftEnd.write = (bytes) => {
      buffers.add(bytes.buffer);
      return write(bytes);
    };
    const messages = Array.from({ length: 20 }, (_, index) => [index]);
    for (const message of messages) await send(left, message);
    assertEquals(buffers.size, 2);
    assertEquals(await sendLast(left, right), messages);
  },
);

testChannel("Channel doesn't end a list that wasn't flushed", async (sides) => {
  const { left, right, leftEnd } = sides;
  const { begun, release, ended } = holdWrites(leftEnd);
  left.writer.message(["message"]);
  left.flush();
  await begun;
  left.writer.beginList([1], true);
  left.writer.append("a");
  release();
  await ended;
  await settle();
  left.writer.append("b");
  left.writer.endList(5);
  const messages = await sendLast(left, right);
  assertEquals(messages, [["message"], [1, 5, ["a", "b"]]]);
});

testChannel(
  "Channel doesn't send empty lists",
  async ({ left, right }) => {
    left.writer.beginList([1], true);
    await left.drained();
    left.writer.beginList([2], false);
    assertEquals(await sendLast(left, right, ["message"]), [["message"]]);
  },
);

testChannel(
  "Channel sends large messages in both directions at the same time",
  async (sides) => {
    const { left, right } = sides;
    const toRight = largeMessages(12);
    const toLeft = largeMessages(13);
    const atLeft = receiveAll(left);
    const atRight = receiveAll(right);
    await Promise.all([send(left, ...toRight), send(right, ...toLeft)]);
    // This is the last message in either direction.
    await send(right, ["end"]);
    assertSame(encodeMessages(...await atLeft), encodeMessages(...toLeft));
    assertSame(encodeMessages(...await atRight), encodeMessages(...toRight));
  },
);

testChannel(
  "Channel.drained() is pending until the peer reads",
  async (sides) => {
    const { left, right } = sides;
    const message = [new Uint8Array(LARGE).fill(1), "x".repeat(5_000_000)];
    let drained = false;
    const sent = send(left, message, ["after"]).then(() => drained = true);
    const answered = Promise.withResolvers<void>();
    const atLeft = left.receive(() => answered.resolve());
    await send(right, ["answer"]);
    await answered.promise;
    assertEquals(drained, false);
    const atRight = receiveAll(right);
    await sent;
    left.close();
    await atLeft;
    const received = await atRight;
    assertEquals(
      encodeMessages(...received),
      encodeMessages(message, ["after"]),
    );
  },
);

testChannel(
  "Channel keeps the order of frames when a buffer is transferred",
  async (sides) => {
    const { left, right, leftEnd } = sides;
    const { begun, release } = holdWrites(leftEnd);
    const early = new Uint8Array(MIN_ATTACHMENT_BYTES);
    const late = new Uint8Array(MIN_ATTACHMENT_BYTES);
    left.writer.message(["first", early, late]);
    early.buffer.transfer();
    left.flush();
    await begun;
    late.buffer.transfer();
    release();
    const messages = await sendLast(left, right, ["second"]);
    assertEquals(messages.map(([field]) => field), ["first", "second"]);
  },
);

testChannel("Channel goes on after a message was refused", async (sides) => {
  const { left, right } = sides;
  const big = new Uint8Array(MIN_ATTACHMENT_BYTES);
  left.writer.message(["before"]);
  assertThrows(() => left.writer.message([big, () => {}]), TypeError);
  const messages = await sendLast(left, right, ["after"]);
  assertEquals(messages, [["before"], ["after"]]);
});

testChannel(
  "Channel sends blobs in parts, among other messages",
  async (sides) => {
    const bytes = new Random(1).bytes(3_000_000);
    const blob = new Blob([bytes], { type: "a/b" });
    const messages = await sendLast(
      sides.left,
      sides.right,
      ["before", new Uint8Array(100_000)],
      [blob, "text", [new File(["content"], "name")], new Blob()],
      ["after"],
    );
    assertEquals(messages.map(([field]) => typeof field), [
      "string",
      "object",
      "string",
    ]);
    const [received, text, [file], empty] = messages[1] as [
      Blob,
      string,
      [File],
      Blob,
    ];
    assertEquals(received.type, "a/b");
    assertSame(await received.bytes(), bytes);
    assertEquals(text, "text");
    assertEquals(await file.text(), "content");
    assertEquals(empty.size, 0);
  },
);

/** Receives messages, and returns their first elements once there are some. */
function receiveNames(channel: Channel, count: number): Promise<unknown[]> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
  const names: unknown[] = [];
  channel.receive((message) => {
    names.push(message[0]);
    if (names.length === count) resolve(names);
  }).catch(reject);
  return promise;
}

testChannel(
  "Channel sends messages that are flushed later before a large one that may be overtaken",
  async ({ left, right }) => {
    left.writer.message(["slow", new Uint8Array(LARGE)], undefined, "passing");
    left.flush();
    left.writer.message(["later"]);
    left.writer.message(
      ["slow 2", new Uint8Array(2 ** 20)],
      undefined,
      "passing",
    );
    left.writer.message(["last"]);
    left.flush();
    const names = await receiveNames(right, 4);
    assertEquals(names, ["later", "last", "slow", "slow 2"]);
    await left.drained();
    assertEquals(left.writer.borrowsMemory, false);
    right.close();
  },
);

testChannel(
  "Channel sends messages between the parts of a large one",
  async ({ left, right }) => {
    const names: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const received = right.receive(([name]) => {
      names.push(name);
      if (name === "slow") resolve();
      else right.writer.message(["next"]);
      right.flush();
    });
    // Each answer of the peer makes this end send another message.
    const answers = left.receive(() => {
      if (names.includes("slow")) return;
      left.writer.message(["small"]);
      left.flush();
    });
    left.writer.message(["slow", new Uint8Array(LARGE)], undefined, "passing");
    left.writer.message(["small"]);
    left.flush();
    await promise;
    assertGreater(names.length, 3);
    left.close();
    right.close();
    await Promise.all([received, answers]);
  },
);

testChannel(
  "Channel keeps the order of large messages that may not be overtaken",
  async ({ left, right }) => {
    left.writer.message(["slow", new Uint8Array(LARGE)], undefined, "passing");
    left.writer.message(["large", new Uint8Array(LARGE)]);
    left.flush();
    left.writer.message(["later"]);
    left.flush();
    const names = await receiveNames(right, 3);
    assertEquals(names.indexOf("large") < names.indexOf("later"), true);
    right.close();
  },
);

testChannel(
  "Channel sends blobs in a message that may be overtaken",
  async ({ left, right }) => {
    const bytes = new Random(2).bytes(3_000_000);
    const message = ["slow", new Blob([bytes]), new Blob(["small"]), bytes];
    left.writer.message(message, undefined, "passing");
    const [received] = await sendLast(left, right);
    const [, blob, small, view] = received as [string, Blob, Blob, Uint8Array];
    assertSame(await blob.bytes(), bytes);
    assertEquals(await small.text(), "small");
    assertSame(view, bytes);
  },
);

testChannel(
  "Channel keeps the length of a message whose memory is transferred between parts",
  async ({ left, right, leftEnd }) => {
    const bytes = new Uint8Array(LARGE);
    const { begun, release } = holdWrites(leftEnd);
    left.writer.message(["slow", bytes], undefined, "passing");
    left.flush();
    await begun;
    bytes.buffer.transfer();
    release();
    const messages = await sendLast(left, right, ["after"]);
    assertEquals(messages.map(([name]) => name).sort(), ["after", "slow"]);
  },
);

testChannel(
  "Channel returns the memory of large messages when the peer hangs up",
  async ({ left, right }) => {
    left.writer.message(["in order", new Uint8Array(LARGE)]);
    left.writer.message(["slow", new Uint8Array(LARGE)], undefined, "passing");
    left.writer.message(["slow", new Uint8Array(LARGE)], undefined, "passing");
    left.flush();
    right.close();
    await left.drained();
    assertEquals(left.writer.borrowsMemory, false);
  },
);

testChannel(
  "Channel sends a small message that follows a large one after it",
  async ({ left, right }) => {
    left.writer.message(["large", new Uint8Array(LARGE)], undefined, "passing");
    left.writer.message(["following"], undefined, "following");
    left.flush();
    left.writer.message(["passing"], undefined, "passing");
    left.writer.message(["following 2"], undefined, "following");
    left.flush();
    assertEquals(await receiveNames(right, 4), [
      "passing",
      "large",
      "following",
      "following 2",
    ]);
    await left.drained();
    right.close();
  },
);

testChannel(
  "Channel.flushed() doesn't wait for a large message that may be overtaken",
  async ({ left, right }) => {
    left.writer.message(["large", new Uint8Array(LARGE)], undefined, "passing");
    left.writer.message(["small"], undefined, "passing");
    await left.flushed();
    assertEquals(left.isWriting, true);
    assertEquals(left.writer.hasSlowFrames, true);
    const drained = left.drained();
    assertEquals(await receiveNames(right, 2), ["small", "large"]);
    await drained;
    assertEquals(left.writer.hasSlowFrames, false);
    await left.flushed();
    right.close();
  },
);

testChannel(
  "Channel.flushed() ends when the peer hangs up",
  async ({ left, right }) => {
    left.writer.message(["strict", new Uint8Array(LARGE)]);
    const flushed = left.flushed();
    right.close();
    await flushed;
    assertEquals(left.writer.borrowsMemory, false);
    await left.flushed();
  },
);

testChannel(
  "Channel.receive() reports that a large message begins to arrive",
  async ({ left, right, leftEnd }) => {
    const { release } = holdWritesAfter(leftEnd, 3);
    left.writer.message(["large", new Uint8Array(LARGE)], undefined, "passing");
    left.flush();
    const begun = Promise.withResolvers<number>();
    const ended = Promise.withResolvers<void>();
    const received = right.receive(
      () => ended.resolve(),
      () => begun.resolve(right.missingBytes),
    );
    assertEquals(right.missingBytes, 0);
    assertGreater(await begun.promise, LARGE);
    assertGreater(right.missingBytes, LARGE - 2 ** 20);
    release();
    await ended.promise;
    assertEquals(right.missingBytes, 0);
    left.close();
    await received;
  },
);
