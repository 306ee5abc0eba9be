import { assertEquals, assertGreater } from "@std/assert";
import { MapCall } from "../../src/map/map_call.ts";
import {
  at,
  call,
  CHUNK,
  HostBench,
  MAP,
  settled,
} from "../helpers/fake_worker.ts";
import type { CallSource } from "../../src/scheduling/call_sources.ts";

/** Makes a source that fills no room. */
function source(left?: number, host?: string): CallSource {
  return {
    ended: false,
    placement: at(host),
    pull() {},
    stop() {},
    ...(left === undefined ? {} : { left }),
  };
}

/** Makes the work for a host. */
function work(items: number, host?: string, hasMore = false) {
  return { placement: at(host), items, hasMore };
}

Deno.test("Scheduler.waitingWork counts the calls that are queued, by host", async () => {
  await using bench = new HostBench();
  const { scheduler } = bench;
  assertEquals(scheduler.waitingWork, []);
  await bench.submit(undefined, 1, 2, 3);
  await bench.submit("a", 4, 5);
  assertEquals(scheduler.waitingWork, [work(2, "a"), work(3)]);
  const worker = await bench.add("a", 8);
  assertEquals(scheduler.waitingWork, [work(4, "a")]);
  for (let count = 0; count < 5; count++) await worker.answer();
  assertEquals(scheduler.waitingWork, []);
});

Deno.test("Scheduler.waitingWork counts calls and items that wait at workers", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", 8);
  await bench.submit(undefined, 1, 2, 3);
  assertEquals(bench.scheduler.waitingWork, [work(2)]);
  for (let count = 0; count < 3; count++) await worker.answer();
  bench.scheduler.submit(new MapCall(MAP, CHUNK, [1, 2, 3, 4]));
  await settled();
  assertEquals(bench.scheduler.waitingWork, [work(3)]);
  await worker.answerChunk();
});

Deno.test("Scheduler.waitingWork counts calls in isolation", async () => {
  await using bench = new HostBench();
  const lost = await bench.add("a");
  bench.scheduler.submit(call("risky", undefined, 1));
  await settled();
  await lost.hangUp();
  assertEquals(bench.scheduler.waitingWork, [work(1)]);
  const other = await bench.add("a");
  assertEquals(bench.scheduler.waitingWork, []);
  await other.answer();
});

Deno.test("Scheduler.waitingWork counts what sources have left if there is no room", async () => {
  await using bench = new HostBench();
  const { scheduler } = bench;
  const sources = [source(7), source(5), source(undefined, "a")];
  for (const one of sources) scheduler.addSource(one);
  await settled();
  assertEquals(scheduler.waitingWork, [work(12), work(0, "a", true)]);
  const worker = await bench.add("a");
  assertEquals(scheduler.waitingWork, []);
  await bench.submit(undefined, 1);
  assertEquals(scheduler.waitingWork, [work(12), work(0, "a", true)]);
  await worker.answer();
});

Deno.test("Scheduler.waitingWork counts a barrier if there are no workers", async () => {
  await using bench = new HostBench();
  const { scheduler } = bench;
  const all = scheduler.submitToAll(() => call("all"));
  await settled();
  assertEquals(scheduler.waitingWork, [work(1)]);
  const worker = await bench.add("a");
  assertEquals(scheduler.waitingWork, []);
  await worker.answer();
  await all;
});

Deno.test("Scheduler.presentMicroseconds is how long calls have run, or 0", async () => {
  let now = 0;
  await using bench = new HostBench(() => now);
  const worker = await bench.add("a", 8);
  assertEquals(bench.scheduler.presentMicroseconds, 0);
  await bench.submit(undefined, 1);
  now += 30;
  assertEquals(bench.scheduler.presentMicroseconds, 30_000);
  await bench.submit(undefined, 2);
  assertEquals(bench.scheduler.presentMicroseconds, 15_000);
  await worker.answer();
  await worker.answer();
  assertEquals(bench.scheduler.presentMicroseconds, 0);
});

Deno.test("WorkerHandle.idleTime is 0 while the worker has calls", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a");
  const { handle } = worker;
  assertGreater(handle.idleTime, 0);
  await bench.submit(undefined, 1);
  assertEquals(handle.idleTime, 0);
  await worker.answer();
  assertGreater(handle.idleTime, 0);
});
