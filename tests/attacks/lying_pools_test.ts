import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { Pool } from "../../mod.ts";
import { SpawnerServer } from "../../src/spawner/spawner_server.ts";
import { Channel } from "../../src/transport/channel.ts";
import { introducePool } from "../../src/protocol/spawner_handshake.ts";
import { SpawnerMessageType } from "../../src/protocol/spawner_messages.ts";

import { hangUp } from "../helpers/connections.ts";

const { OPEN, START, KILL, PING, READY, ENDED, PONG } = SpawnerMessageType;
const TOKEN = "a token of the tests";
const MOST_WORKERS = 3;
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** Starts a server with a low limit of workers. */
function serve(log: string[] = []): SpawnerServer {
  return new SpawnerServer({
    hostname: "127.0.0.1",
    port: 0,
    token: TOKEN,
    maxWorkers: MOST_WORKERS,
    maxWorkersPerPool: 2,
    tls: undefined,
    config: CONFIG,
    log: (line) => log.push(line),
  });
}

/** A pool that knows the token, and can send any message. */
class Liar implements AsyncDisposable {
  readonly received: unknown[][] = [];
  /** Resolves when the server has closed the connection. */
  readonly ended: Promise<void>;
  readonly #connection: Deno.TcpConn;
  readonly #channel: Channel;
  #arrival = Promise.withResolvers<void>();

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#channel = new Channel(connection);
    this.ended = this.#channel.receive((message) => {
      this.received.push(message);
      this.#arrival.resolve();
      this.#arrival = Promise.withResolvers();
    }).catch(() => {});
  }

  static async at(server: SpawnerServer): Promise<Liar> {
    const connection = await Deno.connect({ port: server.port });
    await introducePool(connection, TOKEN);
    return new Liar(connection);
  }

  async say(...messages: unknown[][]): Promise<void> {
    for (const message of messages) this.#channel.writer.message(message);
    await this.#channel.drained();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#connection.write(bytes);
  }

  /** Waits until a number of messages of a type have arrived. */
  async heard(type: number, count: number): Promise<unknown[][]> {
    for (;;) {
      const all = this.received.filter(([received]) => received === type);
      if (all.length >= count) return all;
      await this.#arrival.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    hangUp(this.#connection);
    await this.ended;
  }
}

function request(changes: Record<string, unknown> = {}): unknown[] {
  return [OPEN, {
    address: "tcp::9",
    grants: {},
    denoArgs: [],
    env: {},
    ...changes,
  }];
}

const LIES: readonly [name: string, messages: unknown[][]][] = [
  ["START without OPEN", [[START, 0]]],
  ["OPEN twice", [request(), request()]],
  ["START of one worker twice", [request(), [START, 0], [START, 0]]],
  ["START of what is no number", [request(), [START, "--allow-all"]]],
  ["KILL of what is no number", [request(), [KILL, { a: 1 }]]],
  ["OPEN without a request", [[OPEN]]],
  ["an address that isn't one", [request({ address: "nowhere" })]],
  ["denoArgs that aren't strings", [request({ denoArgs: [1] })]],
  ["denoArgs that aren't a list", [request({ denoArgs: { length: 1 } })]],
  ["env that isn't strings", [request({ env: { A: { toString: 1 } } })]],
  ["grants that aren't any", [request({ grants: { read: "all" } })]],
  ["a certificate that isn't text", [request({ certificate: {} })]],
  ["what a spawner says", [request(), [READY, {}]]],
  ["nothing in a message", [[]]],
];

Deno.test("SpawnerServer ends only the session of the pool that lies", async () => {
  await using server = serve();
  await using honest = new Pool({
    workers: 0,
    hosts: [`127.0.0.1:${server.port}/1`],
    token: TOKEN,
  });
  const pid = await honest.run(() => Deno.pid);
  for (const [name, messages] of LIES) {
    await using liar = await Liar.at(server);
    await liar.say(...messages);
    await liar.ended;
    assert(liar.received.every(([type]) => type !== PONG), name);
  }
  await using garbage = await Liar.at(server);
  await garbage.write(new Uint8Array(100).fill(0xc1));
  await garbage.ended;
  assertEquals(await honest.run(() => Deno.pid), pid);
});

Deno.test("SpawnerServer ends no worker on behalf of another pool", async () => {
  await using server = serve();
  await using honest = new Pool({
    workers: 0,
    hosts: [`127.0.0.1:${server.port}/1`],
    token: TOKEN,
  });
  const pid = await honest.run(() => Deno.pid);
  await using liar = await Liar.at(server);
  const kills = Array.from({ length: 100 }, (_, worker) => [KILL, worker]);
  await liar.say(request(), ...kills, [PING, 1]);
  await liar.heard(PONG, 1);
  assertEquals(await honest.run(() => Deno.pid), pid);
});

Deno.test("SpawnerServer keeps its limits however often a pool asks", async () => {
  const log: string[] = [];
  await using server = serve(log);
  await using liar = await Liar.at(server);
  const starts = Array.from({ length: 10_000 }, (_, worker) => [START, worker]);
  // All arrive at once, before any of the workers can have ended.
  await liar.say(request(), ...starts, [PING, 1]);
  await liar.heard(PONG, 1);
  const ends = await liar.heard(ENDED, 9_000);
  const refusals = ends.filter(([, , how]) => /at most 2/.test(`${how}`));
  assert(refusals.length >= 9_000, `${refusals.length} refusals`);
  assert(ends.length <= 10_000);
});

Deno.test("SpawnerServer doesn't count workers that can't be started", async () => {
  await using server = serve();
  await using liar = await Liar.at(server);
  const env = { "A\0B": "x".repeat(2 ** 20) };
  await liar.say(
    request({ env }),
    ...[0, 1, 2, 3].map((worker) => [START, worker]),
  );
  const ends = await liar.heard(ENDED, 4);
  for (const [, , how] of ends) assert(/could not be started/.test(`${how}`));
});
