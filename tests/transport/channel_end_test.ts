import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { LARGE, receiveAll, send, testChannel } from "../helpers/channels.ts";
import {
  hangUp,
  TemporaryListener,
  TRANSPORTS,
} from "../helpers/connections.ts";
import { encodeMessages, frameAround } from "../helpers/frames.ts";

/** How long a program that should end at once may take, in milliseconds. */
const PATIENCE = 60_000;

testChannel("Channel.close() ends receiving on both sides", async (sides) => {
  const { left, right } = sides;
  const received = Promise.all([receiveAll(left), receiveAll(right)]);
  assertEquals([left.closed, right.closed], [false, false]);
  left.close();
  left.close();
  assertEquals(left.closed, true);
  assertEquals(await received, [[], []]);
  assertEquals(right.closed, true);
});

testChannel("Channel.close() ends a flush in progress", async (sides) => {
  const { left, right } = sides;
  const sent = send(left, [new Uint8Array(LARGE)]);
  left.close();
  await sent;
  // The system decides whether part of the message arrives.
  await receiveAll(right).catch(() => {});
  assertEquals([left.closed, right.closed], [true, true]);
});

testChannel(
  "Channel does nothing when it is closed",
  async ({ left, right }) => {
    left.close();
    await send(left, ["message"]);
    left.flush();
    assertEquals(await receiveAll(left), []);
    assertEquals(await receiveAll(right), []);
  },
);

testChannel("Channel.close() in the callback ends receiving", async (sides) => {
  const { left, right } = sides;
  const received = receiveAll(right);
  await send(left, [1], ["end"]);
  assertEquals(await received, [[1]]);
  assertEquals(right.closed, true);
});

testChannel("Channel ends when the peer hangs up", async (sides) => {
  const { left, rightEnd } = sides;
  const received = receiveAll(left);
  hangUp(rightEnd);
  assertEquals(await received, []);
  assertEquals(left.closed, true);
  await send(left, ["message"]);
});

testChannel(
  "Channel gives up a flush when the peer hangs up",
  async (sides) => {
    const { left, rightEnd } = sides;
    const sent = send(left, [new Uint8Array(LARGE)]);
    await rightEnd.read(new Uint8Array(1_000));
    hangUp(rightEnd);
    await sent;
    // The system decides whether this is an end or an error.
    await receiveAll(left).catch(() => {});
    assertEquals(left.closed, true);
  },
);

testChannel("Channel closes if it can't write", async (sides) => {
  const { left, right, leftEnd } = sides;
  leftEnd.write = () => Promise.reject(new Error("reason"));
  const received = receiveAll(left);
  await send(left, ["message"]);
  assertEquals(left.closed, true);
  await received;
  assertEquals(await receiveAll(right), []);
});

testChannel(
  "Channel receives the data that arrived before the peer hung up",
  async ({ left, right }) => {
    await send(right, ["result"]);
    right.close();
    await send(left, ["call"]);
    const messages: unknown[][] = [];
    await left.receive((message) => messages.push(message)).catch(() => {});
    assertEquals(messages, [["result"]]);
    assertEquals(left.closed, true);
  },
  // A TCP connection may drop received data at once.
  TRANSPORTS.filter((transport) => transport === "unix"),
);

testChannel(
  "Channel refuses a frame that the peer doesn't complete",
  async (sides) => {
    const { left, rightEnd } = sides;
    const received = receiveAll(left);
    await rightEnd.write(encodeMessages(["message"]).subarray(0, 10));
    hangUp(rightEnd);
    await assertRejects(() => received, RangeError, "ended within it");
    assertEquals(left.closed, true);
  },
);

testChannel(
  "Channel closes the connection when a message is malformed",
  async (sides) => {
    const { left, rightEnd } = sides;
    const received = receiveAll(left);
    await rightEnd.write(frameAround([0xc1]));
    await assertRejects(() => received, RangeError, "Malformed message");
    assertEquals(left.closed, true);
    assertStrictEquals(await rightEnd.read(new Uint8Array(1)), null);
  },
);

testChannel(
  "Channel closes and rejects with the callback's error",
  async (sides) => {
    const { left, right } = sides;
    const reason = new Error("reason");
    const received = left.receive(() => {
      throw reason;
    });
    await send(right, [1]);
    assertStrictEquals(await assertRejects(() => received), reason);
    assertEquals(left.closed, true);
    assertEquals(await receiveAll(right), []);
  },
);

for (const transport of TRANSPORTS) {
  Deno.test(`Channel.unref() lets the program end (${transport})`, async () => {
    await using listener = await TemporaryListener.open(transport);
    const url = import.meta.resolve("../../src/transport/channel.ts");
    const script = `
      import { Channel } from ${JSON.stringify(url)};
      const address = ${JSON.stringify(listener.address)};
      const channel = new Channel(await Deno.connect(address));
      channel.unref();
      channel.receive(() => {}).finally(() => Deno.exit(1));
      console.log("receiving");
    `;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", script],
    });
    // If the program doesn't end by itself, it ends with the connection.
    const timer = setTimeout(() => listener.close(), PATIENCE);
    const { code, stdout } = await command.output();
    clearTimeout(timer);
    assertEquals(new TextDecoder().decode(stdout), "receiving\n");
    assertEquals(code, 0);
  });
}
