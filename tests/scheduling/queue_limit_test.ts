import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { QueueFullError } from "../../src/errors/queue_full_error.ts";
import type { PromisedCall } from "../../src/calls/promised_call.ts";
import {
  call,
  HostBench,
  placedCall,
  settled,
} from "../helpers/fake_worker.ts";

/** Makes calls that wait at most `maxQueue` at a time. */
class LimitBench extends HostBench {
  constructor(maxQueue: number) {
    super(undefined, maxQueue);
  }

  admit(...labels: unknown[]): PromisedCall<unknown>[] {
    const calls = labels.map((label) => call(label));
    for (const call of calls) this.scheduler.admit(call);
    return calls;
  }
}

function states(calls: readonly PromisedCall<unknown>[]): string[] {
  return calls.map(({ state }) => state);
}

/** Records in which order promises are resolved. */
function recordOrder(promises: readonly Promise<void>[]): number[] {
  const order: number[] = [];
  promises.forEach((promise, index) => promise.then(() => order.push(index)));
  return order;
}

Deno.test("Scheduler.admit() fails calls when as many as may wait do", async () => {
  await using bench = new LimitBench(2);
  const calls = bench.admit(1, 2, 3);
  assertEquals(states(calls), ["queued", "queued", "settled"]);
  const error = await assertRejects(() => calls[2]!.promise, QueueFullError);
  assertEquals(error.maxQueue, 2);
  const worker = await bench.add("local");
  assertEquals(worker.labels, [1]);
  const more = bench.admit(4, 5);
  assertEquals(states(more), ["queued", "settled"]);
});

Deno.test("Scheduler.admit() accepts what workers take at once, besides what may wait", async () => {
  await using bench = new LimitBench(1);
  await bench.add("a", 2);
  await bench.add("b", 1);
  const calls = bench.admit(1, 2, 3, 4, 5);
  assertEquals(states(calls), ["sent", "sent", "sent", "queued", "settled"]);
});

Deno.test("Scheduler.admit() with a limit of 0 accepts only what workers take at once", async () => {
  await using bench = new LimitBench(0);
  assertEquals(states(bench.admit(1)), ["settled"]);
  const worker = await bench.add("a");
  assertEquals(states(bench.admit(2, 3)), ["sent", "settled"]);
  await settled();
  await worker.answer();
  assertEquals(states(bench.admit(4)), ["sent"]);
});

Deno.test("Scheduler.admit() considers where a call may run", async () => {
  await using bench = new LimitBench(1);
  await bench.add("a");
  await bench.add("b");
  const calls = ["a", "a", "a", "b", "b"].map((host) =>
    placedCall(host, { host })
  );
  for (const call of calls) bench.scheduler.admit(call);
  assertEquals(states(calls), ["sent", "queued", "settled", "sent", "settled"]);
});

Deno.test("Scheduler.admit() doesn't count calls of maps", async () => {
  await using bench = new LimitBench(1);
  await bench.submit(undefined, "map 1", "map 2");
  assertEquals(states(bench.admit(1, 2)), ["queued", "settled"]);
});

Deno.test("Scheduler.admit() counts a call that was cancelled no more", async () => {
  await using bench = new LimitBench(1);
  const [first] = bench.admit(1);
  first!.cancel(new Error("cancelled"));
  assertEquals(states(bench.admit(2, 3)), ["queued", "settled"]);
});

Deno.test("Scheduler.admit() counts calls that come back from a worker", async () => {
  await using bench = new LimitBench(1);
  const worker = await bench.add("a", 3);
  const calls = bench.admit(1, 2, 3);
  await settled();
  assertEquals(states(calls), ["sent", "sent", "sent"]);
  bench.scheduler.drain(worker.handle);
  await worker.recalled();
  await worker.giveBack(2);
  assertEquals(states(calls), ["sent", "queued", "queued"]);
  assertEquals(states(bench.admit(4)), ["settled"]);
});

Deno.test("Scheduler.hasRoom() resolves at once when a call would be accepted", async () => {
  await using bench = new LimitBench(1);
  await bench.scheduler.hasRoom();
  bench.admit(1);
  const order = recordOrder([bench.scheduler.hasRoom()]);
  await settled();
  assertEquals(order, []);
  await bench.add("a");
  assertEquals(order, [0]);
});

Deno.test("Scheduler.hasRoom() wakes those who wait in order, one for each free place", async () => {
  await using bench = new LimitBench(1);
  const worker = await bench.add("a");
  bench.admit(1, 2);
  const order: number[] = [];
  const waiters = [3, 4, 5].map(async (label) => {
    await bench.scheduler.hasRoom();
    order.push(label);
    const [call] = bench.admit(label);
    assertEquals(call!.state, "queued");
  });
  await settled();
  assertEquals(order, []);
  for (const expected of [[3], [3, 4], [3, 4, 5]]) {
    await worker.answer();
    assertEquals(order, expected);
  }
  await Promise.all(waiters);
});

Deno.test("Scheduler.hasRoom() wakes the next if the first makes no call", async () => {
  await using bench = new LimitBench(1);
  const worker = await bench.add("a");
  bench.admit(1, 2);
  const waiters = [bench.scheduler.hasRoom(), bench.scheduler.hasRoom()];
  await settled();
  await worker.answer();
  await Promise.all(waiters);
});

Deno.test("Scheduler.hasRoom() rejects when the scheduler is closed", async () => {
  await using bench = new LimitBench(1);
  bench.admit(1);
  const waiter = bench.scheduler.hasRoom();
  const reason = new Error("closed");
  bench.scheduler.close(() => reason);
  for (const promise of [waiter, bench.scheduler.hasRoom()]) {
    assertStrictEquals(await assertRejects(() => promise), reason);
  }
});

Deno.test("Scheduler.hasRoom() resolves at once without a limit", async () => {
  await using bench = new HostBench();
  await bench.submit(undefined, 1, 2);
  await bench.scheduler.hasRoom();
});
