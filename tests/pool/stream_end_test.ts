import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { Pool, PoolClosedError, type TaskThis } from "../../mod.ts";
import { flowingTime } from "../helpers/flowing_time.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import {
  assertCounts,
  assertNoneLost,
  count,
  recorded,
  recordOf,
} from "../helpers/stream_fixture.ts";

/** A time limit that passes only when a test lets it. */
const HELD = 200_003;

/** A task that yields until its signal is aborted, and takes a while to end. */
async function* patient(this: TaskThis): AsyncGenerator<number> {
  const record = { hasEnded: false, wasAborted: false };
  Object.assign(globalThis, { record });
  const { signal } = this;
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve());
  });
  try {
    yield 0;
    await aborted;
    yield 1;
  } finally {
    await new Promise((resolve) => setTimeout(resolve, 20));
    record.hasEnded = true;
    record.wasAborted = signal.aborted;
  }
}

Deno.test("stream() runs the task's finally when the reader leaves a loop", async () => {
  await using pool = new Pool(1);
  for await (const x of pool.stream(recorded, Infinity)) {
    if (x === 10_000) break;
  }
  assertEquals((await recordOf(pool)).hasEnded, true);
  for await (const _ of pool.stream(patient)) break;
  assertEquals(await recordOf(pool) as unknown, {
    hasEnded: true,
    wasAborted: true,
  });
  assertNoneLost(pool);
});

Deno.test("stream() waits for the task's finally when the reader leaves", async () => {
  await using gate = new Gate();
  await using pool = new Pool(1);
  const stream = pool.stream(async function* (port: number) {
    try {
      yield 0;
    } finally {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.read(new Uint8Array(1));
    }
  }, gate.port);
  const reader = stream.getReader();
  await reader.read();
  let isCancelled = false;
  const cancelled = reader.cancel().then(() => isCancelled = true);
  await gate.entered();
  assertEquals(isCancelled, false);
  gate.open();
  await cancelled;
  assertNoneLost(pool);
});

Deno.test("stream() cancels a stream that the task returned", async () => {
  await using pool = new Pool(1);
  const stream = pool.stream(() =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(1),
      cancel: (reason) =>
        void Object.assign(globalThis, { reason: reason.name }),
    })
  );
  for await (const _ of stream) break;
  const reason = await pool.run(() => Reflect.get(globalThis, "reason"));
  assertEquals(reason, "AbortError");
});

Deno.test("stream() frees its worker when it is cancelled unread or queued", async () => {
  await using pool = new Pool({ workers: 1, prefetch: 0 });
  const unread = pool.stream(recorded, Infinity);
  const queued = pool.stream(recorded, Infinity);
  await queued.cancel();
  await recordOf(pool);
  await unread.cancel("enough");
  assertEquals(await recordOf(pool), { yielded: 4_096, hasEnded: true });
  assertNoneLost(pool);
});

Deno.test("stream() ends when its signal is aborted, with the reason", async () => {
  await using pool = new Pool(1);
  const controller = new AbortController();
  const { signal } = controller;
  const stream = pool.with({ signal }).stream(recorded, Infinity);
  const reason = new Error("no longer needed");
  const thrown = await (async () => {
    for await (const x of stream) {
      if (x === 5_000) controller.abort(reason);
    }
  })().catch((error: unknown) => error);
  assertEquals(thrown === reason, true);
  assertEquals((await recordOf(pool)).hasEnded, true);
  const late = pool.with({ signal }).stream(recorded, 1);
  assertEquals(
    await late.getReader().read().catch((error: unknown) => error === reason),
    true,
  );
  assertNoneLost(pool);
});

Deno.test("stream() ends at its timeout, while it runs or waits", async () => {
  using time = flowingTime();
  await using pool = new Pool({ workers: 1, cancelGrace: 30_000 });
  const impatient = pool.with({ timeout: HELD });
  for (
    const start of [
      () => impatient.stream(patient),
      () => impatient.stream(count, Infinity),
    ]
  ) {
    const reader = start().getReader();
    await reader.read();
    time.tick(HELD);
    const error = await assertRejects(
      () => reader.closed,
      DOMException,
      `timeout of ${HELD} ms`,
    );
    assertEquals(error.name, "TimeoutError");
    assertEquals(await pool.run(() => "free"), "free");
  }
  assertNoneLost(pool);
});

Deno.test("stream() has no timeout once its last value was yielded", async () => {
  await using pool = new Pool(1);
  const stream = pool.with({ timeout: 60_000 }).stream(count, 3);
  await pool.run(() => {});
  await pool.shutdown();
  assertEquals(await Array.fromAsync(stream), [0, 1, 2]);
});

Deno.test("stream() has its worker killed if the task doesn't end", async () => {
  await using pool = new Pool({ workers: 1, cancelGrace: 1 });
  const stubborn = pool.stream(async function* () {
    yield 0;
    await new Promise(() => {});
  });
  for await (const _ of stubborn) break;
  assertEquals(await pool.run(() => "alive"), "alive");
  assertEquals(pool.stats().hosts[0]!.lost, 1);
});

Deno.test("stream() can be read to its end while shutdown() waits", async () => {
  const pool = new Pool(1);
  const stream = pool.stream(count, 20_000);
  const done = pool.shutdown();
  await assertCounts(stream, 20_000);
  await done;
});

Deno.test("stream() fails if the pool was shut down before", async () => {
  const pool = new Pool(1);
  await pool.shutdown();
  await assertRejects(
    () => Array.fromAsync(pool.stream(count, 1)),
    PoolClosedError,
  );
});

Deno.test("stream() fails when the pool is terminated, read or unread", async () => {
  const pool = new Pool(1);
  const unread = pool.stream(count, Infinity);
  const read = pool.stream(count, Infinity);
  const reading = assertRejects(
    async () => {
      for await (const _ of read);
    },
    DOMException,
    "The pool was terminated",
  );
  await pool.run(() => {});
  await pool.terminate();
  await reading;
  await assertRejects(() => Array.fromAsync(unread), DOMException);
});

Deno.test("stream() is cancelled at the end of the pool's block if nobody reads", async () => {
  const warn = console.warn;
  const warnings: string[] = [];
  console.warn = (text: string) => warnings.push(text);
  let unread: ReadableStream<number>;
  let halfRead: ReadableStream<number>;
  try {
    await using pool = new Pool({ workers: 1, cancelGrace: 1 });
    unread = pool.stream(count, Infinity);
    halfRead = pool.stream(count, Infinity);
    const reader = halfRead.getReader();
    await reader.read();
    reader.releaseLock();
  } finally {
    console.warn = warn;
  }
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.includes("Cancelled 2 pending calls"), warnings[0]);
  for (const stream of [unread, halfRead]) {
    const error = await assertRejects(() => Array.fromAsync(stream));
    assertInstanceOf(error, DOMException);
    assertEquals(error.name, "AbortError");
  }
});

Deno.test("stream() is read to its end at the end of the pool's block", async () => {
  let reading: Promise<void>;
  {
    await using pool = new Pool(1);
    reading = assertCounts(pool.stream(count, 20_000), 20_000);
  }
  await reading;
});

Deno.test("stream() lets a program end that never reads it", async () => {
  const program = new URL("../programs/stream_unread.ts", import.meta.url);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program.href],
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  assertEquals([code, decoder.decode(stdout)], [0, "first 0\n"]);
});

Deno.test("stream() gives its place to a call that was waiting, when it is left", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 1, concurrency: 1, prefetch: 0 });
  const stream = pool.stream(patient);
  const reader = stream.getReader();
  await reader.read();
  const waiting = pool.run(passGate<string>, gate.port, "next");
  await reader.cancel();
  await gate.entered();
  gate.open();
  assertEquals(await waiting, "next");
  assertNoneLost(pool);
});
