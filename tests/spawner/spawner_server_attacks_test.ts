import { assert, assertEquals, assertRejects } from "@std/assert";
import { Pool } from "../../mod.ts";
import { RemoteSpawner } from "../../src/hosts/remote/remote_spawner.ts";
import { Channel } from "../../src/transport/channel.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { introducePool } from "../../src/protocol/spawner_handshake.ts";
import { MAX_FRAME_BYTES } from "../../src/codec/wire_limits.ts";
import { SpawnerMessageType } from "../../src/protocol/spawner_messages.ts";
import {
  type SpawnerServerProcess,
  startSpawnerServer,
  TOKEN,
} from "../helpers/spawner_server.ts";

let server: SpawnerServerProcess;

Deno.test.beforeAll(async () => {
  server = await startSpawnerServer({ token: TOKEN });
});

Deno.test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** A connection whose writes are recorded and limited. */
class Tap implements Connection {
  /** Everything that was written. */
  readonly written: number[] = [];
  readonly #connection: Deno.Conn;
  readonly #most: number;
  readonly #piece: number;

  /** Breaks after a number of bytes, which it writes in pieces. */
  constructor(connection: Deno.Conn, most = Infinity, piece = Infinity) {
    this.#connection = connection;
    this.#most = most;
    this.#piece = piece;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#connection.read(buffer);
  }

  async write(bytes: Uint8Array): Promise<number> {
    const rest = this.#most - this.written.length;
    const piece = bytes.subarray(0, Math.min(rest, this.#piece));
    if (piece.length === 0) throw new Error("This is enough");
    const count = await this.#connection.write(piece);
    this.written.push(...piece.subarray(0, count));
    return count;
  }

  close(): void {
    this.#connection.close();
  }

  unref(): void {}
}

async function connect(): Promise<Deno.TcpConn> {
  const { hostname, port } = server;
  const connection = await Deno.connect({ hostname, port });
  connection.setNoDelay();
  return connection;
}

/** Opens a session that could start workers. */
async function openSession(connection: Connection): Promise<RemoteSpawner> {
  await introducePool(connection, TOKEN);
  const spawner = new RemoteSpawner(new Channel(connection), () => {});
  await spawner.open({
    address: "tcp::1",
    grants: {},
    denoArgs: [],
    env: {},
  });
  return spawner;
}

/** Checks that the server still works. */
async function assertServes(): Promise<void> {
  const spawner = await openSession(await connect());
  await spawner.ping();
  spawner.close();
}

/** Reads until the server has closed the connection; returns the number of bytes. */
async function ended(connection: Deno.Conn): Promise<number> {
  let received = 0;
  const buffer = new Uint8Array(1_024);
  try {
    for (let count; (count = await connection.read(buffer)) !== null;) {
      received += count;
    }
  } catch (error) {
    // The peer left some bytes unread.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return received;
}

const NONSENSE = {
  "random bytes": crypto.getRandomValues(new Uint8Array(4_096)).fill(255, 0, 1),
  "the length of a huge message": Uint8Array.of(255, 255, 255, 255),
  "a request of a web browser": new TextEncoder()
    .encode("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"),
  "the hello of TLS": Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
  "an empty message": new Uint8Array(4),
  "a message that can't be decoded": Uint8Array.of(0, 0, 0, 1, 0xc1),
  "a message that is no map": Uint8Array.of(0, 0, 0, 1, 0x90),
  "a map that says nothing": Uint8Array.of(0, 0, 0, 1, 0x80),
};

for (const [what, bytes] of Object.entries(NONSENSE)) {
  Deno.test(`SpawnerServer closes the connection after ${what}`, async () => {
    using connection = await connect();
    await connection.write(bytes);
    assertEquals(await ended(connection), 0);
    await server.logged(/refused a connection from 127\.0\.0\.1: /);
    await assertServes();
  });
}

Deno.test("SpawnerServer admits a pool that is slow", async () => {
  const spawner = await openSession(new Tap(await connect(), Infinity, 1));
  await spawner.ping();
  spawner.close();
});

Deno.test("SpawnerServer still works when pools hang up within the handshake", async () => {
  const whole = new Tap(await connect());
  await introducePool(whole, TOKEN);
  whole.close();
  for (let most = 0; most < whole.written.length; most++) {
    const part = new Tap(await connect(), most);
    await assertRejects(() => introducePool(part, TOKEN), Error, "enough");
    part.close();
  }
  await assertServes();
});

Deno.test("SpawnerServer refuses a replayed handshake", async () => {
  const whole = new Tap(await connect());
  await introducePool(whole, TOKEN);
  whole.close();
  using connection = await connect();
  await connection.write(Uint8Array.from(whole.written));
  // The server sends a challenge, which the replay doesn't answer.
  assert(await ended(connection) > 0);
  await server.logged(/refused .* does not know the spawner server's token/);
  await assertServes();
});

Deno.test("SpawnerServer closes the oldest of too many silent connections", async () => {
  const silent: Deno.Conn[] = [];
  try {
    for (let count = 0; count < 70; count++) silent.push(await connect());
    await using pool = new Pool({
      workers: 0,
      hosts: server.spec(1),
      token: TOKEN,
    });
    assertEquals(await pool.run((x: number) => x + 1, 1), 2);
    assertEquals(await ended(silent[0]!), 0);
    await assertServes();
  } finally {
    for (const connection of silent) connection.close();
  }
});

const REQUEST = { address: "tcp::1", grants: {}, denoArgs: [], env: {} };
const { OPEN, START, READY } = SpawnerMessageType;

const MISTAKES: Record<string, unknown[][]> = {
  "of no known type": [[99]],
  "of another's type": [[READY, {}]],
  "without anything in it": [[]],
  "that starts a worker before all": [[START, 1]],
  "that opens it again": [[OPEN, REQUEST], [OPEN, REQUEST]],
  "that opens it for nothing": [[OPEN, null]],
  "that opens it for no address": [[OPEN, { ...REQUEST, address: "here" }]],
};

for (const [mistake, messages] of Object.entries(MISTAKES)) {
  Deno.test(`SpawnerServer ends only the session of a pool that sends a message ${mistake}`, async () => {
    await using pool = new Pool({
      workers: 0,
      hosts: server.spec(1),
      token: TOKEN,
    });
    await pool.ready;
    const connection = await connect();
    await introducePool(connection, TOKEN);
    const channel = new Channel(connection);
    for (const message of messages) channel.writer.message(message);
    channel.flush();
    // The server may report that it is ready before it closes the connection.
    await channel.receive(() => {}).catch(() => {});
    await server.logged(/is gone: The connection to the pool broke: /);
    assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  });
}

Deno.test("SpawnerServer ends only the session of a pool that sends malformed bytes", async () => {
  const good = await openSession(await connect());
  const tooLong = new Uint8Array(4);
  new DataView(tooLong.buffer).setUint32(0, MAX_FRAME_BYTES + 1);
  for (const bytes of [tooLong, Uint8Array.of(0, 0, 0, 2, 0xc1, 0xc1)]) {
    using connection = await connect();
    await introducePool(connection, TOKEN);
    await connection.write(bytes);
    assertEquals(await ended(connection), 0);
    await good.ping();
  }
  good.close();
});
