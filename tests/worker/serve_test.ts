import { assertRejects } from "@std/assert";
import { admitWorker } from "../helpers/handshakes.ts";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import { Channel } from "../../src/transport/channel.ts";
import type { Connection } from "../../src/transport/connection.ts";
import { serveConnection } from "../../src/worker/serve.ts";
import { settle } from "../helpers/executor_fixture.ts";
import { MemoryConnection } from "../helpers/memory_connection.ts";

const { CALLS, DEFINE } = MessageType;

/** A worker, and the pool's end of its connection. */
interface Served {
  readonly pool: Channel;
  readonly ended: Promise<void>;
  /** Makes the worker's next read fail, as if the pool had reset the connection. */
  reset(): void;
}

async function startServing(): Promise<Served> {
  const [left, right] = MemoryConnection.pair();
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const resettable: Connection = {
    read: (buffer) => Promise.race([right.read(buffer), promise]),
    write: (bytes) => right.write(bytes),
    close: () => right.close(),
    unref() {},
  };
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const ended = serveConnection(resettable, { secret, worker: 1 });
  const welcome = { concurrency: 1, codec: "msgpack" };
  await admitWorker(left, () => secret, welcome);
  return {
    pool: new Channel(left),
    ended,
    reset: () => reject(new Deno.errors.ConnectionReset()),
  };
}

Deno.test("serveConnection() ends when an idle worker's connection is reset", async () => {
  const { pool, ended, reset } = await startServing();
  reset();
  await ended;
  pool.close();
});

Deno.test("serveConnection() rejects when a busy worker's connection is reset", async () => {
  const { pool, ended, reset } = await startServing();
  const source = "() => new Promise(() => {})";
  pool.writer.message([DEFINE, 0, { kind: "inline", source, name: "task" }]);
  pool.writer.message([CALLS, 0, 0, ResultMode.VALUE, [[], []]]);
  await pool.drained();
  await settle();
  reset();
  await assertRejects(() => ended, Deno.errors.ConnectionReset);
  pool.close();
});
