import { assertEquals, assertThrows } from "@std/assert";
import {
  type RelayMessage,
  SpawnerMessageType,
} from "../../src/protocol/spawner_messages.ts";
import { Relays } from "../../src/spawner/relays.ts";
import { Channel } from "../../src/transport/channel.ts";
import type { Connection } from "../../src/transport/connection.ts";
import {
  RELAY_WINDOW,
  type RelayedConnection,
} from "../../src/transport/relayed_connection.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";

/** A spawner's relays, and those of its pool at the other end of a channel. */
class Scene implements AsyncDisposable {
  readonly spawner: Relays;
  readonly pool: Relays;
  /** How often the spawner has written to its connection. */
  writes = 0;
  readonly #accepted: RelayedConnection[] = [];
  readonly #channels: Channel[];
  readonly #ends: Promise<void>[];
  #arrival = Promise.withResolvers<void>();

  constructor() {
    const [left, right] = MemoryConnection.pair();
    const counted: Connection = {
      read: (buffer) => left.read(buffer),
      write: (bytes) => {
        this.writes++;
        return left.write(bytes);
      },
      close: () => left.close(),
      unref: () => {},
    };
    this.#channels = [new Channel(counted), new Channel(right)];
    const [there, here] = this.#channels as [Channel, Channel];
    this.spawner = new Relays(there);
    this.pool = new Relays(here);
    this.#ends = [
      there.receive((message) =>
        this.spawner.take(message as unknown as RelayMessage)
      ),
      here.receive((message) => this.#take(message as unknown as RelayMessage)),
    ];
  }

  /** Opens a connection, and returns both of its ends. */
  async open(): Promise<[worker: RelayedConnection, pool: RelayedConnection]> {
    const worker = this.spawner.open();
    while (this.#accepted.length === 0) await this.#arrival.promise;
    return [worker, this.#accepted.shift()!];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const channel of this.#channels) channel.close();
    await Promise.all(this.#ends);
  }

  #take(message: RelayMessage): void {
    if (message[0] !== SpawnerMessageType.RELAY_OPEN) {
      return this.pool.take(message);
    }
    this.#accepted.push(this.pool.accept(message[1]));
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }
}

async function read(connection: Connection, length: number): Promise<number[]> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    filled += (await connection.read(bytes.subarray(filled)))!;
  }
  return [...bytes];
}

async function writeAll(
  connection: Connection,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await connection.write(bytes.subarray(sent));
  }
}

Deno.test("Relays pass bytes on in both directions", async () => {
  await using scene = new Scene();
  const [worker, pool] = await scene.open();
  await worker.write(new Uint8Array([1, 2]));
  assertEquals(await read(pool, 2), [1, 2]);
  await pool.write(new Uint8Array([3]));
  assertEquals(await read(worker, 1), [3]);
});

Deno.test("Relays send what several connections write at the same time at once", async () => {
  await using scene = new Scene();
  const ends = [];
  for (let count = 0; count < 5; count++) ends.push(await scene.open());
  const before = scene.writes;
  for (const [index, [worker]] of ends.entries()) {
    worker.write(new Uint8Array([index]));
  }
  for (const [index, [, pool]] of ends.entries()) {
    assertEquals(await read(pool, 1), [index]);
  }
  assertEquals(scene.writes - before, 1);
});

Deno.test("Relays pass a connection whose reader is busy", async () => {
  await using scene = new Scene();
  const [, busy] = await scene.open();
  const [other, pool] = await scene.open();
  const bytes = new Uint8Array(RELAY_WINDOW + 1);
  const writing = writeAll(busy, bytes).catch(() => {});
  await pool.write(new Uint8Array([7]));
  assertEquals(await read(other, 1), [7]);
  busy.close();
  await writing;
});

Deno.test("Relays send more than the window once it is read", async () => {
  await using scene = new Scene();
  const [worker, pool] = await scene.open();
  const bytes = new Uint8Array(3 * RELAY_WINDOW + 5).fill(9);
  const writing = writeAll(worker, bytes);
  const received = await read(pool, bytes.length);
  await writing;
  assertEquals(received.every((byte) => byte === 9), true);
});

Deno.test("Relays end a connection at both ends", async () => {
  await using scene = new Scene();
  const [worker, pool] = await scene.open();
  await worker.write(new Uint8Array([1]));
  worker.close();
  assertEquals(await read(pool, 1), [1]);
  assertEquals(await pool.read(new Uint8Array(1)), null);
  const [next, nextPool] = await scene.open();
  nextPool.close();
  assertEquals(await next.read(new Uint8Array(1)), null);
});

Deno.test("Relays.take() ignores messages about connections that were closed", async () => {
  await using scene = new Scene();
  const [, pool] = await scene.open();
  pool.close();
  const { RELAY, RELAY_CREDIT, RELAY_END } = SpawnerMessageType;
  scene.pool.take([RELAY, 0, new Uint8Array(2 * RELAY_WINDOW)]);
  scene.pool.take([RELAY_CREDIT, 0, 1]);
  scene.pool.take([RELAY_END, 0]);
});

Deno.test("Relays.accept() throws if the connection is open", async () => {
  await using scene = new Scene();
  await scene.open();
  assertThrows(() => scene.pool.accept(0), RangeError, "open already");
});

Deno.test("Relays.end() ends all connections", async () => {
  await using scene = new Scene();
  const [, pool] = await scene.open();
  scene.pool.end();
  assertEquals(await pool.read(new Uint8Array(1)), null);
});
