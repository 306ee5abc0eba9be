import { assertEquals } from "@std/assert";
import { type CallPort, importTasks, Pool, type TaskThis } from "../../mod.ts";
import { Gate } from "../helpers/gate.ts";
import { HeldTasks } from "../helpers/held_tasks.ts";
import { realDeadline } from "../helpers/real_timers.ts";
import { assertCounts, count } from "../helpers/stream_fixture.ts";

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

const { yieldAndWait } = importTasks<
  typeof import("../helpers/stream_tasks.ts")
>(import.meta.resolve("../helpers/stream_tasks.ts"));

function within<T>(promise: Promise<T>): Promise<T> {
  return realDeadline(promise, TIMEOUT);
}

/**
 * Makes a pool of two workers that are busy with held tasks, makes calls that
 * have to wait, and ends one of the held tasks.
 *
 * @returns The outcomes of the calls, after the other held task has ended.
 */
async function moved<T>(
  call: (pool: Pool, x: number) => Promise<T>,
): Promise<T[]> {
  await using tasks = new HeldTasks([0, 1]);
  await using pool = new Pool({ workers: 2, prefetch: 8 });
  const held = [0, 1].map((x) => pool.run(tasks.task, x));
  await tasks.held(0, 1);
  const waiting = [2, 3, 4, 5, 6, 7].map((x) => call(pool, x));
  tasks.release(0);
  const outcomes = await within(Promise.all(waiting));
  tasks.release(1);
  await Promise.all(held);
  assertEquals(pool.stats().hosts[0]!.lost, 0);
  return outcomes;
}

Deno.test("stream() moves to an idle worker and yields each value once", async () => {
  await moved((pool, x) => assertCounts(pool.stream(count, x * 100), x * 100));
});

Deno.test("Pool moves a call with a stream as argument, and closes the stream once", async () => {
  let cancelled = 0;
  const sums = await moved((pool, x) => {
    const source = new ReadableStream<number>({
      start(controller) {
        for (let value = 0; value <= x; value++) controller.enqueue(value);
        controller.close();
      },
      cancel() {
        cancelled++;
      },
    });
    return pool.run(async (values: ReadableStream<number>) => {
      let sum = 0;
      for await (const value of values) sum += value;
      return sum;
    }, source);
  });
  assertEquals(sums, [3, 6, 10, 15, 21, 28]);
  assertEquals(cancelled, 0);
});

Deno.test("Pool moves a call that exchanges messages", async () => {
  const answers = await moved((pool, x) => {
    const answering = pool.with({
      onMessage: (x: number, port: CallPort) => port.postMessage(x * 10),
    });
    return answering.run(async function (this: TaskThis, x: number) {
      await this.port.postMessage(x);
      return (await this.port.next()).value as number;
    }, x);
  });
  assertEquals(answers, [20, 30, 40, 50, 60, 70]);
});

for (const ordered of [true, false]) {
  for (const options of [{}, { chunkSize: 5 }, { chunkSize: 1 }]) {
    const { chunkSize = "auto" } = options;
    Deno.test(`Pool.map() flattens each value once although a task waits (ordered: ${ordered}, chunkSize: ${chunkSize})`, async () => {
      await using gate = new Gate();
      await using pool = new Pool({ workers: 2, prefetch: 4 });
      const items = Array.from({ length: 30 }, (_, index) => index);
      const ports = items.map((x) => x === 0 ? gate.port : 0);
      const results = pool.map(yieldOrWait, ports, items, {
        ...options,
        ordered,
      }).toArray();
      await gate.entered();
      gate.open();
      const expected = items.flatMap((x) => [x, x + 0.5]);
      const values = await within(results);
      assertEquals(
        ordered ? values : values.toSorted((a, b) => a - b),
        expected,
      );
    });
  }
}

Deno.test("Pool doesn't run a stream again that has yielded and waits", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, prefetch: 8 });
  const streams = Array.from(
    { length: 8 },
    () => Array.fromAsync(pool.stream(yieldAndWait, gate.port, 3)),
  );
  for (let entered = 0; entered < 8; entered++) {
    await gate.entered();
    gate.open();
  }
  assertEquals(
    await within(Promise.all(streams)),
    streams.map(() => [0, 1, 2, "end"]),
  );
});

/** A task: yields two values, and waits between them if there is a gate. */
async function* yieldOrWait(port: number, x: number): AsyncGenerator<number> {
  yield x;
  if (port !== 0) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.read(new Uint8Array(1));
  }
  yield x + 0.5;
}
