import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ExpectedConnections } from "../../src/hosts/expected_connections.ts";
import { Channel } from "../../src/transport/channel.ts";
import { makeSecret } from "../../src/transport/handshake.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";

function makeChannel(): Channel {
  return new Channel(MemoryConnection.pair()[0]);
}

Deno.test("ExpectedConnections gives each that is expected a number and its secret", () => {
  const expectedConnections = new ExpectedConnections();
  const secrets = [makeSecret(), makeSecret()] as const;
  const numbers = [secrets[0], secrets[1], secrets[0]].map((secret) =>
    expectedConnections.expect(secret).number
  );
  assertEquals(numbers, [0, 1, 2]);
  assertStrictEquals(expectedConnections.secretOf(0), secrets[0]);
  assertStrictEquals(expectedConnections.secretOf(1), secrets[1]);
  assertStrictEquals(expectedConnections.secretOf(2), secrets[0]);
  assertEquals(expectedConnections.secretOf(3), undefined);
});

Deno.test("ExpectedConnections.arrived() hands a channel to who expects it", async () => {
  const expectedConnections = new ExpectedConnections();
  const [first, second] = [makeSecret(), makeSecret()].map((secret) =>
    expectedConnections.expect(secret)
  );
  const channels = [makeChannel(), makeChannel()];
  expectedConnections.arrived(1, channels[1]!);
  assertStrictEquals(await second!.channel, channels[1]!);
  expectedConnections.arrived(0, channels[0]!);
  assertStrictEquals(await first!.channel, channels[0]!);
  assertEquals(channels.map(({ closed }) => closed), [false, false]);
});

Deno.test("ExpectedConnections.arrived() closes the channel of one who came before", async () => {
  const expectedConnections = new ExpectedConnections();
  const { channel, number } = expectedConnections.expect(makeSecret());
  const [first, second] = [makeChannel(), makeChannel()];
  expectedConnections.arrived(number, first);
  assertEquals(expectedConnections.secretOf(number), undefined);
  expectedConnections.arrived(number, second);
  assertStrictEquals(await channel, first);
  assertEquals([first.closed, second.closed], [false, true]);
});

Deno.test("ExpectedConnections.arrived() closes the channel of one who isn't expected", () => {
  const expectedConnections = new ExpectedConnections();
  const channel = makeChannel();
  expectedConnections.arrived(0, channel);
  assertEquals(channel.closed, true);
});

Deno.test("ExpectedConnection.fail() gives up, for the first reason", async () => {
  const expectedConnections = new ExpectedConnections();
  const { number, channel, fail } = expectedConnections.expect(makeSecret());
  fail(new RangeError("too late"));
  fail(new Error("again"));
  assertEquals(expectedConnections.secretOf(number), undefined);
  const late = makeChannel();
  expectedConnections.arrived(number, late);
  assertEquals(late.closed, true);
  await assertRejects(() => channel, RangeError, "too late");
});

Deno.test("ExpectedConnection.fail() does nothing to one who has come", async () => {
  const expectedConnections = new ExpectedConnections();
  const { number, channel, fail } = expectedConnections.expect(makeSecret());
  const arrived = makeChannel();
  expectedConnections.arrived(number, arrived);
  fail(new Error("ended"));
  assertStrictEquals(await channel, arrived);
  assertEquals(arrived.closed, false);
});

Deno.test("ExpectedConnection.fail() that nobody waits for is no uncaught error", async () => {
  new ExpectedConnections().expect(makeSecret()).fail(new Error("ended"));
  await new Promise((resolve) => setTimeout(resolve, 0));
});
