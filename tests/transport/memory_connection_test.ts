import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryConnection } from "../../src/transport/memory_connection.ts";

/** Reads this many bytes, or until the other end is closed. */
async function readAll(
  connection: MemoryConnection,
  length = Infinity,
): Promise<number[]> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(3);
  while (bytes.length < length) {
    const count = await connection.read(buffer);
    if (count === null) break;
    bytes.push(...buffer.subarray(0, count));
  }
  return bytes;
}

Deno.test("MemoryConnection carries bytes in both directions", async () => {
  const [one, other] = MemoryConnection.pair();
  const reading = readAll(one, 10);
  for (const byte of [1, 2, 3, 4, 5]) {
    await one.write(Uint8Array.of(byte));
    await other.write(Uint8Array.of(10 * byte, 10 * byte));
  }
  assertEquals(await reading, [10, 10, 20, 20, 30, 30, 40, 40, 50, 50]);
  one.close();
  assertEquals(await readAll(other), [1, 2, 3, 4, 5]);
});

Deno.test("MemoryConnection.write() keeps the bytes when their memory is used again", async () => {
  const [one, other] = MemoryConnection.pair();
  const bytes = Uint8Array.of(1, 2);
  await one.write(bytes);
  bytes.fill(9);
  one.close();
  assertEquals(await readAll(other), [1, 2]);
});

Deno.test("MemoryConnection.write() waits for the reader, and rejects when an end is closed", async () => {
  const [one, other] = MemoryConnection.pair();
  await one.write(new Uint8Array(2 ** 20));
  let isWritten = false;
  const waiting = one.write(Uint8Array.of(1)).then(() => isWritten = true);
  await Promise.resolve();
  assert(!isWritten);
  await other.read(new Uint8Array(1));
  await waiting;
  const late = one.write(Uint8Array.of(1));
  other.close();
  await assertRejects(() => late, Deno.errors.BrokenPipe);
  await assertRejects(
    () => one.write(Uint8Array.of(1)),
    Deno.errors.BrokenPipe,
  );
});

Deno.test("MemoryConnection.read() lets timers run before it returns", async () => {
  const [one, other] = MemoryConnection.pair();
  const events: string[] = [];
  const immediate = Promise.withResolvers<void>();
  const { setImmediate } = await import("node:timers");
  await one.write(Uint8Array.of(1));
  setImmediate(() => {
    events.push("immediate");
    immediate.resolve();
  });
  const reading = other.read(new Uint8Array(1)).then(() => events.push("read"));
  await Promise.all([immediate.promise, reading]);
  assertEquals(events, ["immediate", "read"]);
});

Deno.test("MemoryConnection.read() rejects once its own end is closed", async () => {
  const [one, other] = MemoryConnection.pair();
  await one.write(Uint8Array.of(1));
  const early = other.read(new Uint8Array(1));
  other.close();
  await assertRejects(() => early, Deno.errors.BadResource);
  await assertRejects(
    () => other.read(new Uint8Array(1)),
    Deno.errors.BadResource,
  );
});
