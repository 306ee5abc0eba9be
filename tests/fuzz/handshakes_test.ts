import { assertEquals } from "@std/assert";
import { MemoryConnection } from "../helpers/memory_connection.ts";
import { fuzz, SCALE } from "./fuzz.ts";
import {
  type Change,
  HANDSHAKES,
  Listening,
  recordHandshakes,
  relay,
  type Side,
  tryMiddle,
  tryReplay,
} from "./handshakes_target.ts";

Deno.test("Handshakes refuse recorded messages, changed or not", async () => {
  const recordings = await recordHandshakes();
  await fuzz(
    "replay",
    2_000 * SCALE,
    (random) => tryReplay(random, recordings),
  );
});

Deno.test("Handshakes refuse messages that were changed on the way", async () => {
  await fuzz("middle", 1_000 * SCALE, tryMiddle);
});

Deno.test("Handshakes succeed through a relay that changes nothing", async () => {
  for (const [connector, acceptor] of HANDSHAKES) {
    const outcomes = await handshake(connector, acceptor, (bytes) => bytes);
    assertEquals(outcomes.map(({ status }) => status), [
      "fulfilled",
      "fulfilled",
    ]);
  }
});

Deno.test("Handshakes refuse a change of any byte", async () => {
  for (const [connector, acceptor] of HANDSHAKES) {
    for (let message = 0; message < 3; message++) {
      for (let at = 0, length = 1; at < length; at++) {
        const outcomes = await handshake(
          connector,
          acceptor,
          (bytes, index) => {
            if (index !== message) return bytes;
            length = bytes.length;
            bytes[at]! ^= 1 << (at % 8);
            return bytes;
          },
        );
        for (const { status } of outcomes) assertEquals(status, "rejected");
      }
    }
  }
});

async function handshake(
  connector: Side,
  acceptor: Side,
  change: Change,
): Promise<PromiseSettledResult<unknown>[]> {
  const [outer, toConnector] = MemoryConnection.pair();
  const [toAcceptor, inner] = MemoryConnection.pair();
  const relaying = relay(toConnector, toAcceptor, change);
  const outcomes = await Promise.allSettled([
    connector(new Listening(outer)).finally(() => outer.close()),
    acceptor(new Listening(inner)).finally(() => inner.close()),
  ]);
  await relaying;
  return outcomes;
}
