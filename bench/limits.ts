/**
 * The limits that the pool is compared with: raw sockets between processes,
 * without a promise per message and without scheduling.
 *
 * @module
 */

import { PrivateFolder } from "../src/hosts/private_folder.ts";
import { Channel } from "../src/transport/channel.ts";
import {
  MessageType,
  ResultMode,
  type Results,
} from "../src/protocol/worker_messages.ts";
import {
  type BareMode,
  makePayload,
  PAYLOAD_BYTES,
  READ_BYTES,
  readFresh,
  SMALL_BYTES,
  writeAll,
} from "./bare_worker.ts";

/** The number of payloads in flight on a raw socket. */
const STREAM_WINDOW = 8;

/** A process at the other end of a raw socket. */
export class BareWorker implements AsyncDisposable {
  /** The socket. */
  readonly connection: Deno.Conn;
  readonly #process: Deno.ChildProcess;

  private constructor(connection: Deno.Conn, process: Deno.ChildProcess) {
    this.connection = connection;
    this.#process = process;
  }

  /**
   * Starts a process and waits until it has connected.
   *
   * @throws {Error} If the process ends instead.
   */
  static async start(mode: BareMode): Promise<BareWorker> {
    const folder = await PrivateFolder.make();
    try {
      const path = folder.socketPath;
      using listener = Deno.listen({ transport: "unix", path });
      const process = new Deno.Command(Deno.execPath(), {
        args: bareArguments(mode, path),
        stdin: "null",
      }).spawn();
      const ended = process.status.then(({ code }) => {
        throw new Error(`A bare worker ended with exit code ${code}`);
      });
      const accepted = listener.accept();
      // The promise that loses the race is rejected later.
      for (const promise of [ended, accepted]) promise.catch(() => {});
      return new BareWorker(await Promise.race([accepted, ended]), process);
    } finally {
      await folder.remove();
    }
  }

  /** Closes the socket, and waits until that has ended the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    closeConnection(this.connection);
    await this.#process.status;
  }
}

/** Closes a connection, unless its channel has done so. */
export function closeConnection(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/**
 * Sends frames of calls to bare workers, as a pool does, and counts the results
 * that come back.
 */
export class MessageExchange implements Disposable {
  readonly #channels: Channel[] = [];
  readonly #flushDue = new Set<Channel>();
  readonly #lost = Promise.withResolvers<never>();
  #sent = 0;
  #received = 0;
  #count = 0;
  #done: (() => void) | undefined;

  /** Constructs an exchange over connections to workers of mode `"frames"`. */
  constructor(connections: readonly Deno.Conn[]) {
    this.#lost.promise.catch(() => {});
    for (const connection of connections) {
      const channel = new Channel(connection);
      this.#channels.push(channel);
      this.#receive(channel);
    }
  }

  /**
   * Exchanges messages and returns how many per second.
   *
   * @param count The number of messages.
   * @param window The number of messages in flight to each worker.
   */
  async rate(count: number, window: number): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sent = this.#received = 0;
    this.#count = count;
    this.#done = resolve;
    const start = performance.now();
    for (let frame = 0; frame < window; frame++) {
      for (const channel of this.#channels) this.#send(channel);
    }
    await Promise.race([promise, this.#lost.promise]);
    return count / (performance.now() - start) * 1_000;
  }

  /** Closes the channels. */
  [Symbol.dispose](): void {
    for (const channel of this.#channels) channel.close();
  }

  async #receive(channel: Channel): Promise<void> {
    try {
      await channel.receive((message) => {
        this.#received += (message as Results)[3].length;
        this.#send(channel);
        if (this.#received === this.#count) this.#done?.();
      });
      this.#lost.reject(closed());
    } catch (error) {
      this.#lost.reject(error);
    }
  }

  #send(channel: Channel): void {
    if (this.#sent === this.#count) return;
    const id = this.#sent++;
    channel.writer.message([MessageType.CALLS, 0, id, ResultMode.VALUE, [[
      id,
    ]]]);
    if (this.#flushDue.has(channel)) return;
    this.#flushDue.add(channel);
    queueMicrotask(() => {
      this.#flushDue.delete(channel);
      channel.flush();
    });
  }
}

/** Sends a message to a worker of mode `"echo"` and awaits its return. */
export async function roundTrip(
  connection: Deno.Conn,
  message: Uint8Array,
): Promise<void> {
  await writeAll(connection, message);
  for (let received = 0; received < message.length;) {
    received += await readSome(connection, message.subarray(received));
  }
}

/** The direction of payloads, as the worker sees it. */
export type Direction = "in" | "out" | "both";

/** The mode of the worker for each direction. */
export const STREAM_MODES = {
  in: "sink",
  out: "source",
  both: "echo",
} as const satisfies Record<Direction, BareMode>;

/** The same for payloads that are read into new memory. */
export const FRESH_MODES = {
  in: "fresh-sink",
  out: "source",
  both: "fresh-echo",
} as const satisfies Record<Direction, BareMode>;

/**
 * Moves `count` payloads, a few at a time.
 *
 * @param isFresh Whether each payload is read into new memory.
 */
export async function stream(
  connection: Deno.Conn,
  direction: Direction,
  count: number,
  isFresh: boolean,
): Promise<void> {
  const request = direction === "out"
    ? new Uint8Array(SMALL_BYTES)
    : makePayload();
  const answerBytes = direction === "in" ? SMALL_BYTES : PAYLOAD_BYTES;
  const read = isFresh && direction !== "in"
    ? () => readPayload(connection)
    : readInto(connection, new Uint8Array(READ_BYTES));
  let received = 0;
  let arrived = Promise.withResolvers<void>();
  const send = async () => {
    for (let sent = 0; sent < count; sent++) {
      while (sent - Math.floor(received / answerBytes) >= STREAM_WINDOW) {
        await arrived.promise;
      }
      await writeAll(connection, request);
    }
  };
  const receive = async () => {
    while (received < count * answerBytes) {
      received += await read();
      arrived.resolve();
      arrived = Promise.withResolvers();
    }
  };
  await Promise.all([send(), receive()]);
}

async function readPayload(connection: Deno.Conn): Promise<number> {
  const payload = await readFresh(connection);
  if (payload === undefined) throw closed();
  return payload.length;
}

function readInto(
  connection: Deno.Conn,
  buffer: Uint8Array,
): () => Promise<number> {
  return () => readSome(connection, buffer);
}

async function readSome(
  connection: Deno.Conn,
  buffer: Uint8Array,
): Promise<number> {
  const count = await connection.read(buffer);
  if (count === null) throw closed();
  return count;
}

function closed(): Error {
  return new Error("A bare worker closed its connection");
}

/** The arguments with which `deno` runs a bare worker. */
export function bareArguments(mode: BareMode, path: string): string[] {
  const program = new URL("./bare_worker.ts", import.meta.url).href;
  return ["run", "-A", "--quiet", program, mode, path];
}
