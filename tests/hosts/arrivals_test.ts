import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Arrivals } from "../../src/hosts/arrivals.ts";
import { Channel } from "../../src/wire/channel.ts";
import { makeSecret } from "../../src/wire/handshake.ts";
import { MemoryConnection } from "../memory_connection.ts";

function makeChannel(): Channel {
  return new Channel(MemoryConnection.pair()[0]);
}

Deno.test("Arrivals gives each that is expected a number and its secret", () => {
  const arrivals = new Arrivals();
  const secrets = [makeSecret(), makeSecret()] as const;
  const numbers = [secrets[0], secrets[1], secrets[0]].map((secret) =>
    arrivals.expect(secret).number
  );
  assertEquals(numbers, [0, 1, 2]);
  assertStrictEquals(arrivals.secretOf(0), secrets[0]);
  assertStrictEquals(arrivals.secretOf(1), secrets[1]);
  assertStrictEquals(arrivals.secretOf(2), secrets[0]);
  assertEquals(arrivals.secretOf(3), undefined);
});

Deno.test("Arrivals.arrived() hands a channel to who expects it", async () => {
  const arrivals = new Arrivals();
  const [first, second] = [makeSecret(), makeSecret()].map((secret) =>
    arrivals.expect(secret)
  );
  const channels = [makeChannel(), makeChannel()];
  arrivals.arrived(1, channels[1]!);
  assertStrictEquals(await second!.channel, channels[1]!);
  arrivals.arrived(0, channels[0]!);
  assertStrictEquals(await first!.channel, channels[0]!);
  assertEquals(channels.map(({ closed }) => closed), [false, false]);
});

Deno.test("Arrivals.arrived() closes the channel of one who came before", async () => {
  const arrivals = new Arrivals();
  const { channel, number } = arrivals.expect(makeSecret());
  const [first, second] = [makeChannel(), makeChannel()];
  arrivals.arrived(number, first);
  assertEquals(arrivals.secretOf(number), undefined);
  arrivals.arrived(number, second);
  assertStrictEquals(await channel, first);
  assertEquals([first.closed, second.closed], [false, true]);
});

Deno.test("Arrivals.arrived() closes the channel of one who isn't expected", () => {
  const arrivals = new Arrivals();
  const channel = makeChannel();
  arrivals.arrived(0, channel);
  assertEquals(channel.closed, true);
});

Deno.test("Arrival.fail() gives up, for the first reason", async () => {
  const arrivals = new Arrivals();
  const { number, channel, fail } = arrivals.expect(makeSecret());
  fail(new RangeError("too late"));
  fail(new Error("again"));
  assertEquals(arrivals.secretOf(number), undefined);
  const late = makeChannel();
  arrivals.arrived(number, late);
  assertEquals(late.closed, true);
  await assertRejects(() => channel, RangeError, "too late");
});

Deno.test("Arrival.fail() does nothing to one who has come", async () => {
  const arrivals = new Arrivals();
  const { number, channel, fail } = arrivals.expect(makeSecret());
  const arrived = makeChannel();
  arrivals.arrived(number, arrived);
  fail(new Error("ended"));
  assertStrictEquals(await channel, arrived);
  assertEquals(arrived.closed, false);
});

Deno.test("Arrival.fail() that nobody waits for is no uncaught error", async () => {
  new Arrivals().expect(makeSecret()).fail(new Error("ended"));
  await new Promise((resolve) => setTimeout(resolve, 0));
});
