import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { PendingConnections } from "../../src/hosts/pending_connections.ts";
import { Channel } from "../../src/transport/channel.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";

function makeChannel(): Channel {
  return new Channel(MemoryConnection.pair()[0]);
}

Deno.test("PendingConnections.add() gives each connection its own number, and keeps its secret", () => {
  const pendingConnections = new PendingConnections();
  const secrets = [makeSecret(), makeSecret()] as const;
  const numbers = [secrets[0], secrets[1], secrets[0]].map((secret) =>
    pendingConnections.add(secret).number
  );
  assertEquals(numbers, [0, 1, 2]);
  assertStrictEquals(pendingConnections.secretOf(0), secrets[0]);
  assertStrictEquals(pendingConnections.secretOf(1), secrets[1]);
  assertStrictEquals(pendingConnections.secretOf(2), secrets[0]);
  assertEquals(pendingConnections.secretOf(3), undefined);
});

Deno.test("PendingConnections.resolve() resolves the channel of the pending connection", async () => {
  const pendingConnections = new PendingConnections();
  const [first, second] = [makeSecret(), makeSecret()].map((secret) =>
    pendingConnections.add(secret)
  );
  const channels = [makeChannel(), makeChannel()];
  pendingConnections.resolve(1, channels[1]!);
  assertStrictEquals(await second!.channel, channels[1]!);
  pendingConnections.resolve(0, channels[0]!);
  assertStrictEquals(await first!.channel, channels[0]!);
  assertEquals(channels.map(({ closed }) => closed), [false, false]);
});

Deno.test("PendingConnections.resolve() closes a second channel for the same number", async () => {
  const pendingConnections = new PendingConnections();
  const { channel, number } = pendingConnections.add(makeSecret());
  const [first, second] = [makeChannel(), makeChannel()];
  pendingConnections.resolve(number, first);
  assertEquals(pendingConnections.secretOf(number), undefined);
  pendingConnections.resolve(number, second);
  assertStrictEquals(await channel, first);
  assertEquals([first.closed, second.closed], [false, true]);
});

Deno.test("PendingConnections.resolve() closes the channel when no connection is pending", () => {
  const pendingConnections = new PendingConnections();
  const channel = makeChannel();
  pendingConnections.resolve(0, channel);
  assertEquals(channel.closed, true);
});

Deno.test("PendingConnection.cancel() rejects the channel with the first reason", async () => {
  const pendingConnections = new PendingConnections();
  const { number, channel, cancel } = pendingConnections.add(makeSecret());
  cancel(new RangeError("too late"));
  cancel(new Error("again"));
  assertEquals(pendingConnections.secretOf(number), undefined);
  const late = makeChannel();
  pendingConnections.resolve(number, late);
  assertEquals(late.closed, true);
  await assertRejects(() => channel, RangeError, "too late");
});

Deno.test("PendingConnection.cancel() does nothing when the peer has connected", async () => {
  const pendingConnections = new PendingConnections();
  const { number, channel, cancel } = pendingConnections.add(makeSecret());
  const arrived = makeChannel();
  pendingConnections.resolve(number, arrived);
  cancel(new Error("ended"));
  assertStrictEquals(await channel, arrived);
  assertEquals(arrived.closed, false);
});

Deno.test("PendingConnection.cancel() causes no uncaught error when nobody waits", async () => {
  new PendingConnections().add(makeSecret()).cancel(new Error("ended"));
  await new Promise((resolve) => setTimeout(resolve, 0));
});
