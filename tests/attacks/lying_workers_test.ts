import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { Pool, WorkerLostError } from "../../mod.ts";
import { MessageType } from "../../src/protocol/worker_messages.ts";
import { type Lie, LyingHost, says } from "../helpers/lying_host.ts";

const { DEFINE, RESULTS, CHUNK_RESULTS, FAILURE, ITEM_FAILURE } = MessageType;
const { BEGUN, FULL } = MessageType;

/** An error with unusual content. */
function hostileError(): Error {
  const error = new Error("x".repeat(100_000), { cause: new Error("cause") });
  Object.defineProperty(error, "__proto__", { value: {}, enumerable: true });
  return Object.assign(error, { then: 1, toString: 1, constructor: 2 });
}

/** Sends bytes instead of an answer. */
function sends(...bytes: number[]): Lie {
  return (_id, _channel, connection) => {
    connection.write(new Uint8Array(bytes)).catch(() => {});
  };
}

/** Lies that leave the call without an outcome. */
const LIES: readonly [name: string, lie: Lie][] = [
  ["answers ids that it wasn't given", says((id) => [RESULTS, id + 9, 1, [1]])],
  [
    "answers more calls than it was given",
    says((id) => [RESULTS, id, 1, [1, 2]]),
  ],
  ["answers a call as a chunk", says((id) => [CHUNK_RESULTS, id, 1, [1]])],
  ["says it was busy for ever", says((id) => [RESULTS, id, Infinity, [1]])],
  ["gives no list of results", says((id) => [RESULTS, id, 1, { length: 1 }])],
  [
    "gives a list of less than none",
    says((id) => [RESULTS, id, 1, { length: -1 }]),
  ],
  ["fails an item of a call", says((id) => [ITEM_FAILURE, id, 0, "x"])],
  ["begins a call that isn't watched", says((id) => [BEGUN, id])],
  ["begins a call that it wasn't given", says((id) => [BEGUN, id + 9])],
  ["has a memory of less than none", says(() => [FULL, -1])],
  ["fails without a list", says((id) => [FAILURE, id, 1, new Error("x"), 0])],
  ["fails after values of none", says((id) => [FAILURE, id, 1, 1, [1]])],
  [
    "sends what a pool sends",
    says(() => [DEFINE, 1, { kind: "inline", source: "1", name: "a" }]),
  ],
  ["sends an empty message", says(() => [])],
  ["sends types that there aren't", says(() => [{ length: 1 }])],
  ["announces more than a frame can have", sends(0x7f, 255, 255, 255)],
  ["announces more than a part can have", sends(255, 255, 255, 255)],
  [
    "announces a frame of 1 GiB and hangs up",
    (_id, _channel, connection) => {
      connection.write(new Uint8Array([0x40, 0, 0, 0, 0xdc]))
        .then(() => connection.close());
    },
  ],
  ["sends a part of no bytes", sends(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)],
  [
    "sends more in parts than it announced",
    sends(0x80, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1),
  ],
  ["announces too large a part", sends(0x80, 4, 0, 1, 0, 8, 0, 0)],
  [
    "sends a malformed message in parts",
    sends(0x80, 0, 0, 1, 0, 0, 0, 2, 0xc1, 0x80, 0, 0, 1, 0xc1),
  ],
  [
    "announces 4 GiB in parts and hangs up",
    (_id, _channel, connection) => {
      const part = [0x80, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xdc];
      connection.write(new Uint8Array(part)).then(() => connection.close());
    },
  ],
];

for (const [name, lie] of LIES) {
  Deno.test(`Pool replaces a worker when it ${name}`, async () => {
    await using host = new LyingHost(lie);
    await using pool = new Pool({
      workers: 1,
      hosts: [host.spec],
      maxRestarts: 0,
      prefetch: 0,
    });
    await pool.ready;
    const liar = pool.with({ host: "127.0.0.1" });
    await assertRejects(() => liar.run((x: number) => x, 1), WorkerLostError);
    assertEquals(await pool.run((x: number) => x + 1, 1), 2);
    assertEquals(await Array.fromAsync(pool.map((x: number) => -x, [1, 2])), [
      -1,
      -2,
    ]);
    for (const { busy, done } of pool.stats().hosts) {
      assert(Number.isFinite(busy) && done >= 0);
    }
  });
}

Deno.test("Pool returns a worker's first answer, and ends the worker when it answers again", async () => {
  await using host = new LyingHost(
    says((id) => [RESULTS, id, 1, ["first"]], (id) => [
      RESULTS,
      id,
      1,
      ["second"],
    ]),
  );
  await using pool = new Pool({
    workers: 1,
    hosts: [host.spec],
    maxRestarts: 0,
  });
  const liar = pool.with({ host: "127.0.0.1" });
  assertEquals(await liar.run(() => ""), "first");
  await assertRejects(() => liar.run(() => ""));
  assertEquals(await pool.run(() => "honest"), "honest");
});

Deno.test("Pool ends a worker when it returns a chunk of another size", async () => {
  for (const values of [[], [1, 2, 3]]) {
    await using host = new LyingHost(
      says((id) => [CHUNK_RESULTS, id, 1, values]),
    );
    await using pool = new Pool({
      workers: 1,
      hosts: [host.spec],
      maxRestarts: 0,
    });
    const liar = pool.with({ host: "127.0.0.1" });
    const results = liar.map((x: number) => x, [1, 2], { chunkSize: 2 });
    await assertRejects(() => Array.fromAsync(results));
    assertEquals(await pool.run(() => "honest"), "honest");
  }
});

Deno.test("Pool ends a worker that fails items which a chunk doesn't have, or which may not fail alone", async () => {
  for (const settles of [true, false]) {
    await using host = new LyingHost(
      says((id) => [ITEM_FAILURE, id, settles ? 2 : 1, "lie"]),
    );
    await using pool = new Pool({
      workers: 1,
      hosts: [host.spec],
      maxRestarts: 0,
    });
    const liar = pool.with({ host: "127.0.0.1" });
    const map = liar.map((x: number) => x, [1, 2], { chunkSize: 2 });
    if (settles) {
      const items = await map.settled().toArray();
      assertEquals(items.length, 2);
      for (const item of items) {
        assert(item.status === "rejected");
        assertInstanceOf(item.reason, WorkerLostError);
      }
    } else await assertRejects(() => map.toArray(), WorkerLostError);
    assertEquals(await pool.run(() => "honest"), "honest");
  }
});

Deno.test("Pool ends a worker that begins a call twice", async () => {
  await using host = new LyingHost(
    says((id) => [BEGUN, id], (id) => [BEGUN, id]),
  );
  await using pool = new Pool({
    workers: 1,
    hosts: [host.spec],
    maxRestarts: 0,
  });
  const liar = pool.with({ host: "127.0.0.1", runTimeout: 60_000 });
  await assertRejects(() => liar.run(() => ""), WorkerLostError);
  assertEquals(await pool.run(() => "honest"), "honest");
});

Deno.test("Pool rejects with a worker's error even if its content is unusual", async () => {
  await using host = new LyingHost(
    says((id) => [FAILURE, id, 1, hostileError(), []]),
  );
  await using pool = new Pool({ workers: 1, hosts: [host.spec] });
  const liar = pool.with({ host: "127.0.0.1" });
  const error = await assertRejects(() => liar.run(() => ""), Error);
  assertEquals(error.message.length, 100_000);
  assertEquals(Object.getPrototypeOf(error), Error.prototype);
  assert(Object.hasOwn(error, "__proto__"));
  assertEquals(await pool.run(() => "honest"), "honest");
});
