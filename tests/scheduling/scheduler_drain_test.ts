import { assertEquals, assertRejects } from "@std/assert";
import { MapCall } from "../../src/map/map_call.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import {
  call,
  CHUNK,
  FakeWorker,
  HostBench,
  MAP,
  settled,
} from "../helpers/fake_worker.ts";
import { realDeadline } from "../helpers/real_timers.ts";

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 60_000;

/** The size of the workers' windows. */
const ROOM = 8;

/** A worker that is drained, and whether that has ended. */
interface Drain {
  readonly done: Promise<void>;
  isDone: boolean;
}

/** Drains a worker. */
async function drain(
  { scheduler }: HostBench,
  { handle }: FakeWorker,
): Promise<Drain> {
  const done = scheduler.drain(handle);
  const drain: Drain = { done, isDone: false };
  done.then(() => drain.isDone = true);
  await settled();
  return drain;
}

Deno.test("Scheduler.drain() moves the calls that a worker hasn't begun", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", ROOM);
  const calls = await bench.submit(undefined, 1, 2, 3);
  const drained = await drain(bench, worker);
  await worker.recalled();
  await worker.giveBack(2);
  assertEquals([worker.labels, calls[1]!.state], [[1], "queued"]);
  const other = await bench.add("a", ROOM);
  assertEquals(bench.labels, [[1], [2, 3]]);
  assertEquals(drained.isDone, false);
  await worker.answer();
  await realDeadline(drained.done, TIMEOUT);
  await other.answer();
  await other.answer();
  const results = await Promise.all(calls.map(({ promise }) => promise));
  assertEquals(results, [1, 2, 3]);
});

Deno.test("Scheduler.drain() sends no more calls to the worker", async () => {
  await using bench = await HostBench.with("a", "b");
  const [first, second] = [bench.worker(0), bench.worker(1)];
  const { done } = await drain(bench, first);
  await realDeadline(done, TIMEOUT);
  await bench.submit("a", 1);
  await bench.submit(undefined, 2);
  assertEquals(bench.labels, [[], [2]]);
  assertEquals(first.recalls, 0);
  await second.answer();
});

Deno.test("Scheduler.drain() cuts a chunk that has begun", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", ROOM);
  const rests: unknown[] = [];
  const owner = {
    ...MAP,
    cut: (_: MapCall, rest: readonly unknown[]) => {
      rests.push(...rest);
      return rest.map((item) => new MapCall(MAP, CHUNK, [item]));
    },
  };
  bench.scheduler.submit(new MapCall(owner, CHUNK, [1, 2, 3]));
  await settled();
  const drained = await drain(bench, worker);
  await worker.recalled();
  await worker.cut(1);
  const other = await bench.add("a", ROOM);
  assertEquals([rests, worker.labels, other.labels], [
    [2, 3],
    [[1]],
    [[2], [3]],
  ]);
  assertEquals(drained.isDone, false);
  await worker.answerChunk();
  await realDeadline(drained.done, TIMEOUT);
  await other.answerChunk();
  await other.answerChunk();
});

Deno.test("Scheduler.drain() recalls again after an answer, if more calls wait", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", ROOM);
  await bench.submit(undefined, 1, 2, 3, 4);
  const drained = await drain(bench, worker);
  await worker.recalled();
  // The others are on their way.
  await worker.giveBack(0);
  assertEquals(worker.recalls, 1);
  await worker.answer();
  assertEquals(worker.recalls, 2);
  await worker.giveBack(2);
  await worker.answer();
  await realDeadline(drained.done, TIMEOUT);
  const other = await bench.add("a", ROOM);
  assertEquals(other.labels, [3, 4]);
  await other.answer();
  await other.answer();
});

Deno.test("Scheduler.drain() recalls after a recall for another worker", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", ROOM);
  await bench.submit(undefined, 1, 2, 3, 4);
  const idle = await bench.add("a", ROOM);
  await worker.recalled();
  const drained = await drain(bench, worker);
  assertEquals(worker.recalls, 1);
  await worker.giveBack(1);
  assertEquals(worker.recalls, 2);
  await worker.giveBack(2);
  assertEquals([worker.labels, idle.labels], [[1], [4, 2, 3]]);
  await worker.answer();
  await realDeadline(drained.done, TIMEOUT);
  for (let count = 0; count < 3; count++) await idle.answer();
});

Deno.test("Scheduler.drain() ends if the worker is lost, and moves its calls", async () => {
  await using bench = new HostBench();
  const worker = await bench.add("a", ROOM);
  const [first] = await bench.submit(undefined, 1);
  const [second] = await bench.submit(undefined, 2);
  const drained = await drain(bench, worker);
  await worker.hangUp();
  await realDeadline(drained.done, TIMEOUT);
  await assertRejects(() => first!.promise);
  const other = await bench.add("a", ROOM);
  assertEquals(other.labels, [2]);
  await other.answer();
  assertEquals(await second!.promise, 2);
  await bench.scheduler.drain(worker.handle);
});

Deno.test("Scheduler.drain() leaves a call in isolation where it is", async () => {
  await using bench = new HostBench();
  const lost = await bench.add("a");
  const risky = call("risky", undefined, 1);
  bench.scheduler.submit(risky);
  await settled();
  const worker = await bench.add("a", ROOM);
  await lost.hangUp();
  assertEquals([worker.labels, worker.handle.reservation], [
    ["risky"],
    "isolated",
  ]);
  const drained = await drain(bench, worker);
  assertEquals([worker.recalls, drained.isDone], [0, false]);
  await worker.answer();
  await realDeadline(drained.done, TIMEOUT);
  assertEquals(await risky.promise, "risky");
});

Deno.test("Scheduler.drain() lets a call in isolation wait for another worker", async () => {
  await using bench = new HostBench();
  const lost = await bench.add("a");
  const risky = call("risky", undefined, 1);
  bench.scheduler.submit(risky);
  await settled();
  const busy = await bench.add("a");
  await bench.submit(undefined, 1);
  await lost.hangUp();
  assertEquals(busy.handle.reservation, "draining");
  await drain(bench, busy);
  await busy.recalled();
  await busy.giveBack(0);
  await busy.answer();
  assertEquals(busy.labels, []);
  const other = await bench.add("a");
  assertEquals(other.labels, ["risky"]);
  await other.answer();
  assertEquals(await risky.promise, "risky");
});

Deno.test("Scheduler.drain() leaves the calls of a barrier where they are", async () => {
  await using bench = await HostBench.with("a", "a");
  const [first, second] = [bench.worker(0), bench.worker(1)];
  const all = bench.scheduler.submitToAll(() => call("all"));
  await settled();
  const drained = await drain(bench, first);
  assertEquals([first.labels, first.recalls], [["all"], 0]);
  await first.answer();
  await realDeadline(drained.done, TIMEOUT);
  await second.answer();
  assertEquals(await all, ["all", "all"]);
});

Deno.test("Scheduler.submitToAll() skips workers that are drained", async () => {
  await using bench = await HostBench.with("a", "a");
  const [first, second] = [bench.worker(0), bench.worker(1)];
  await (await drain(bench, first)).done;
  const all = bench.scheduler.submitToAll(() => call("all"));
  await settled();
  assertEquals(bench.labels, [[], ["all"]]);
  await second.answer();
  assertEquals(await all, ["all"]);
  await (await drain(bench, second)).done;
  const later = bench.scheduler.submitToAll(() => call("later"));
  await settled();
  assertEquals(bench.labels, [[], []]);
  const third = await bench.add("a");
  assertEquals(third.labels, ["later"]);
  await third.answer();
  assertEquals(await later, ["later"]);
});

Deno.test("Scheduler.drain() waits for the initializer of a worker", async () => {
  await using bench = new HostBench();
  const worker = new FakeWorker(new HostTally("a"), ROOM);
  const ready = bench.scheduler.connect(worker.handle, call("initialize"));
  await settled();
  const drained = await drain(bench, worker);
  assertEquals([worker.recalls, drained.isDone], [0, false]);
  await worker.answer();
  await ready;
  await realDeadline(drained.done, TIMEOUT);
  bench.scheduler.add([worker.handle]);
  assertEquals(bench.scheduler.workers, 0);
  await worker.hangUp();
});
