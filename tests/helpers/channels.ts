import { Channel } from "../../src/transport/channel.ts";
import { ConnectionPair, type Transport, TRANSPORTS } from "./connections.ts";

/** More bytes than any system buffers for one connection. */
export const LARGE = 50_000_000;

/** Two connected channels, and their connections. */
export interface Sides {
  readonly left: Channel;
  readonly right: Channel;
  readonly leftEnd: Deno.Conn;
  readonly rightEnd: Deno.Conn;
}

/** Declares a test for each kind of connection. */
export function testChannel(
  name: string,
  run: (sides: Sides) => Promise<void>,
  transports: readonly Transport[] = TRANSPORTS,
): void {
  for (const transport of transports) {
    Deno.test(`${name} (${transport})`, async () => {
      using pair = await ConnectionPair.open(transport);
      await run({
        left: new Channel(pair.left),
        right: new Channel(pair.right),
        leftEnd: pair.left,
        rightEnd: pair.right,
      });
    });
  }
}

/** Receives messages until the connection ends, or until `["end"]` closes it. */
export async function receiveAll(channel: Channel): Promise<unknown[][]> {
  const messages: unknown[][] = [];
  await channel.receive((message) => {
    if (message[0] === "end") channel.close();
    else messages.push(message);
  });
  return messages;
}

/** Sends messages. */
export async function send(
  channel: Channel,
  ...messages: readonly unknown[][]
): Promise<void> {
  for (const message of messages) channel.writer.message(message);
  await channel.drained();
}

/** Sends messages, closes, and returns the messages that the peer received. */
export async function sendLast(
  channel: Channel,
  other: Channel,
  ...messages: readonly unknown[][]
): Promise<unknown[][]> {
  const received = receiveAll(other);
  await send(channel, ...messages);
  channel.close();
  return await received;
}
