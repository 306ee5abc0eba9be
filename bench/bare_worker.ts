/**
 * The other end of a raw socket: a worker without tasks, which shows how fast
 * the system and the wire format are without a pool. {@linkcode BareWorker}
 * starts it with a mode and the path of a Unix socket. It ends when the
 * connection closes.
 *
 * @module
 */

import { Channel } from "../src/transport/channel.ts";
import { type Calls, MessageType } from "../src/protocol/worker_messages.ts";

/** The size of a payload. */
export const PAYLOAD_BYTES = 2 ** 20;

/** The size of a small message: about that of a call of a tiny task. */
export const SMALL_BYTES = 20;

/** The size of a read; the fastest of several sizes. */
export const READ_BYTES = 2 ** 18;

/**
 * How a bare worker answers:
 *
 * - `"frames"`: answers each frame of calls with a frame of as many results;
 * - `"echo"`: sends back what it receives;
 * - `"sink"`: receives payloads and answers each with a small message;
 * - `"source"`: answers each small message with a payload;
 * - `"fresh-sink"`: the same as `"sink"`, with new memory for each payload;
 * - `"fresh-echo"`: sends back whole payloads, with new memory for each.
 */
export type BareMode =
  | "frames"
  | "echo"
  | "sink"
  | "source"
  | "fresh-sink"
  | "fresh-echo";

/** Writes all bytes; a single write may take only some of them. */
export async function writeAll(
  connection: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  let written = await connection.write(bytes);
  while (written < bytes.length) {
    written += await connection.write(bytes.subarray(written));
  }
}

/**
 * Reads a payload into new memory.
 *
 * @returns The payload, or `undefined` if the connection has ended.
 */
export async function readFresh(
  connection: Deno.Conn,
): Promise<Uint8Array | undefined> {
  const payload = new Uint8Array(PAYLOAD_BYTES);
  for (let received = 0; received < PAYLOAD_BYTES;) {
    const count = await connection.read(payload.subarray(received));
    if (count === null) return undefined;
    received += count;
  }
  return payload;
}

/** Makes a payload, and fills it so that the system really allocates it. */
export function makePayload(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(PAYLOAD_BYTES).fill(7);
}

async function answerFrames(connection: Deno.Conn): Promise<void> {
  const channel = new Channel(connection);
  let flushDue = false;
  await channel.receive((message) => {
    const [, , firstId, , argumentLists] = message as Calls;
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

/** Reads payloads into new memory, and answers each. */
async function answerFresh(
  connection: Deno.Conn,
  answer: (payload: Uint8Array) => Uint8Array,
): Promise<void> {
  for (;;) {
    const payload = await readFresh(connection);
    if (payload === undefined) return;
    await writeAll(connection, answer(payload));
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
    case "fresh-sink": {
      const answer = new Uint8Array(SMALL_BYTES);
      return answerFresh(connection, () => answer);
    }
    case "fresh-echo":
      return answerFresh(connection, (payload) => payload);
  }
}

if (import.meta.main) {
  const [mode, path] = Deno.args as [BareMode, string];
  await serve(mode, await Deno.connect({ transport: "unix", path }));
}
