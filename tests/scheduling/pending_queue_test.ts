import { assertEquals, assertStrictEquals } from "@std/assert";
import { Barrier } from "../../src/scheduling/barrier.ts";
import { KeyedWorkers } from "../../src/scheduling/keyed_workers.ts";
import { PendingQueue } from "../../src/scheduling/pending_queue.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import type { Call } from "../../src/calls/call.ts";
import { call } from "../helpers/fake_worker.ts";

/** No calls have keys. */
const KEYED = new KeyedWorkers(new WorkerSet());

/** Appends calls for any host with these labels. */
function push(queue: PendingQueue, ...labels: string[]): Call[] {
  const calls = labels.map((label) => call(label));
  for (const call of calls) queue.push(call);
  return calls;
}

function pushBarrier(queue: PendingQueue): Barrier {
  const barrier = new Barrier(() => call("barrier"), undefined, { moved() {} });
  queue.pushBarrier(barrier);
  return barrier;
}

/** Takes the calls before the first barrier. */
function take(queue: PendingQueue): unknown[] {
  return queue.lists()
    .flatMap(([, calls]) => calls.drain().map(({ payload }) => payload[0]));
}

Deno.test("PendingQueue holds back calls after a barrier", () => {
  const queue = new PendingQueue(KEYED);
  push(queue, "a");
  const barrier = pushBarrier(queue);
  push(queue, "b");
  assertEquals([queue.length, queue.waiting(undefined)], [2, 1]);
  assertEquals(queue.nextBarrier, undefined);
  assertEquals(take(queue), ["a"]);
  assertStrictEquals(queue.nextBarrier, barrier);
  assertEquals(take(queue), []);
  queue.removeBarrier((next) => next === barrier);
  assertEquals(take(queue), ["b"]);
});

Deno.test("PendingQueue.removeBarrier() keeps the order of calls", () => {
  const queue = new PendingQueue(KEYED);
  push(queue, "a");
  const first = pushBarrier(queue);
  push(queue, "b");
  const second = pushBarrier(queue);
  push(queue, "c");
  queue.removeBarrier((next) => next === second);
  assertEquals(queue.removeBarrier((next) => next === second), undefined);
  push(queue, "d");
  assertEquals(take(queue), ["a"]);
  queue.removeBarrier((next) => next === first);
  assertEquals([queue.hasBarriers, take(queue)], [false, ["b", "c", "d"]]);
});

Deno.test("PendingQueue doesn't begin a barrier before isolated calls", () => {
  const queue = new PendingQueue(KEYED);
  pushBarrier(queue);
  const isolated = call("isolated");
  queue.pushIsolated(isolated);
  assertEquals([queue.length, queue.nextBarrier], [1, undefined]);
  isolated.abandon();
  assertEquals([queue.length, queue.nextBarrier !== undefined], [0, true]);
});

Deno.test("PendingQueue.unshift() puts calls before all others and keeps their order", () => {
  const queue = new PendingQueue(KEYED);
  push(queue, "c");
  queue.unshift([call("a"), call("b")]);
  assertEquals(take(queue), ["a", "b", "c"]);
});

Deno.test("PendingQueue.drain() takes all calls and barriers", () => {
  const queue = new PendingQueue(KEYED);
  const [before] = push(queue, "before");
  const barrier = pushBarrier(queue);
  const [after, abandoned] = push(queue, "after", "abandoned");
  const isolated = call("isolated");
  queue.pushIsolated(isolated);
  abandoned!.abandon();
  const all = [isolated, before, after];
  assertEquals(queue.calls(), all as Call[]);
  const { calls, barriers } = queue.drain();
  assertEquals([calls, barriers], [all, [barrier]] as [Call[], Barrier[]]);
  assertEquals([queue.length, queue.hasBarriers], [0, false]);
});
