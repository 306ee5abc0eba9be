/**
 * The other end of a raw socket: a worker without tasks, which shows how fast
 * the system and the wire format are by themselves. Started by
 * {@linkcode BareWorker} with a mode and the path of a Unix socket; ends when
 * the connection does.
 *
 * @module
 */

import { Channel } from "../src/transport/channel.ts";
import { type Calls, MessageType } from "../src/protocol/worker_messages.ts";

/** How much a payload has. */
export const PAYLOAD_BYTES = 2 ** 20;

/** How much a small message has: about as much as a call of a tiny task. */
export const SMALL_BYTES = 20;

/** How much is read at a time; of several sizes the fastest. */
export const READ_BYTES = 2 ** 18;

/**
 * What a bare worker does with what it receives:
 *
 * - `"frames"`: answers each frame of calls with one of as many results;
 * - `"echo"`: sends it back;
 * - `"sink"`: takes payloads and answers each with a small message;
 * - `"source"`: answers each small message with a payload.
 */
export type BareMode = "frames" | "echo" | "sink" | "source";

/** Writes all bytes, as one write may take only part of them. */
export async function writeAll(
  connection: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  let written = await connection.write(bytes);
  while (written < bytes.length) {
    written += await connection.write(bytes.subarray(written));
  }
}

/** A payload, written to so that its memory isn't merely promised. */
export function makePayload(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(PAYLOAD_BYTES).fill(7);
}

async function answerFrames(connection: Deno.Conn): Promise<void> {
  const channel = new Channel(connection);
  let flushDue = false;
  await channel.receive((message) => {
    const [, , firstId, argumentLists] = message as Calls;
    channel.writer.beginList([MessageType.RESULTS, firstId], true);
    for (const [value] of argumentLists) {
      channel.writer.append(value as number + 1);
    }
    channel.writer.endList(1);
    if (flushDue) return;
    flushDue = true;
    queueMicrotask(() => {
      flushDue = false;
      channel.flush();
    });
  });
}

async function echo(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    await writeAll(connection, buffer.subarray(0, count));
  }
}

async function answerEach(
  connection: Deno.Conn,
  requestBytes: number,
  answer: Uint8Array,
): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES);
  let received = 0;
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    received += count;
    for (; received >= requestBytes; received -= requestBytes) {
      await writeAll(connection, answer);
    }
  }
}

function serve(mode: BareMode, connection: Deno.Conn): Promise<void> {
  switch (mode) {
    case "frames":
      return answerFrames(connection);
    case "echo":
      return echo(connection);
    case "sink":
      return answerEach(connection, PAYLOAD_BYTES, new Uint8Array(SMALL_BYTES));
    case "source":
      return answerEach(connection, SMALL_BYTES, makePayload());
  }
}

if (import.meta.main) {
  const [mode, path] = Deno.args as [BareMode, string];
  await serve(mode, await Deno.connect({ transport: "unix", path }));
}
