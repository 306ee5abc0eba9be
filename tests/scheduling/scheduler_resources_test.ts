import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import type { PromisedCall } from "../../src/calls/promised_call.ts";
import { BrokenPoolError } from "../../src/errors/broken_pool_error.ts";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import type { WorkerPlace } from "../../src/options/place.ts";
import {
  call,
  type FakeWorker,
  HostBench,
  placedCall,
  settled,
} from "../helpers/fake_worker.ts";

/** A scheduler with workers of one machine. */
async function benchOf(
  workers: number,
  resources: WorkerPlace["resources"],
  room = 1,
): Promise<[HostBench, ...FakeWorker[]]> {
  const bench = new HostBench();
  const place = { labels: {}, resources };
  const added: FakeWorker[] = [];
  for (let count = 0; count < workers; count++) {
    added.push(await bench.add("a", room, place));
  }
  return [bench, ...added];
}

/** Submits calls that take some GPUs. */
async function submit(
  { scheduler }: HostBench,
  gpu: number,
  labels: unknown[],
  retries = 0,
): Promise<PromisedCall<unknown>[]> {
  const resources = { gpu };
  const calls = labels.map((label) =>
    placedCall(label, { resources }, retries)
  );
  for (const call of calls) scheduler.submit(call);
  await settled();
  return calls;
}

Deno.test("Scheduler sends a worker only calls with resources that it begins at once", async () => {
  const [bench, one, other] = await benchOf(2, { gpu: 4 }, 8);
  await using _ = bench;
  await submit(bench, 1, [1, 2, 3]);
  assertEquals(bench.labels, [[1], [2]]);
  assertEquals([one!.grants, other!.grants], [[{ gpu: [0] }], [{ gpu: [1] }]]);
  // Others may wait behind them, but not where the third will run.
  await bench.submit(undefined, 4, 5);
  assertEquals(bench.labels, [[1], [2, 4, 5]]);
  await one!.answer();
  assertEquals(bench.labels, [[3], [2, 4, 5]]);
  assertEquals(one!.grants, [{ gpu: [0] }]);
});

Deno.test("Scheduler takes back what waits at a worker that a call with resources needs", async () => {
  const [bench, one] = await benchOf(1, { gpu: 1 }, 3);
  await using _ = bench;
  await bench.submit(undefined, 1, 2, 3, 4);
  assertEquals(bench.labels, [[1, 2, 3]]);
  await submit(bench, 1, ["gpu"]);
  assertEquals(one!.recalls, 1);
  await one!.giveBack(2);
  await one!.answer();
  assertEquals(bench.labels, [["gpu"]].map((labels) => [...labels, 2, 3]));
});

Deno.test("Scheduler takes nothing back for a call whose resources are kept for another", async () => {
  const [bench, one] = await benchOf(1, { gpu: 2 }, 3);
  await using _ = bench;
  await submit(bench, 1, ["gpu"]);
  await bench.submit(undefined, 1, 2);
  assertEquals(bench.labels, [["gpu", 1, 2]]);
  const submitted = [
    submit(bench, 2, ["large"]),
    submit(bench, 0.5, ["small"]),
  ];
  await Promise.all(submitted);
  assertEquals(one!.recalls, 0);
});

Deno.test("Scheduler keeps an abandoned call's GPU until the worker answers", async () => {
  const [bench, one, other] = await benchOf(2, { gpu: 1 });
  await using _ = bench;
  const [first] = await submit(bench, 1, [1, 2]);
  first!.cancel(new Error("cancelled"));
  await settled();
  assertEquals([one!.labels, other!.labels], [[1], []]);
  await one!.answer();
  assertEquals([one!.labels, other!.labels], [[2], []]);
});

Deno.test("Scheduler frees the GPU of a lost worker, and retries with another", async () => {
  const [bench, one, other] = await benchOf(2, { gpu: 1 });
  await using _ = bench;
  const [first, second] = await submit(bench, 1, [1, 2], 1);
  await one!.hangUp();
  // The other call has waited longer than the retry.
  assertEquals([other!.labels, other!.grants], [[2], [{ gpu: [0] }]]);
  await other!.answer();
  assertEquals(await second!.promise, 2);
  assertEquals([other!.labels, other!.grants], [[1], [{ gpu: [0] }]]);
  await bench.submit(undefined, "other");
  assertEquals(other!.labels, [1]);
  await other!.answer();
  assertEquals(await first!.promise, 1);
  assertEquals(other!.labels, ["other"]);
  await other!.answer();
});

Deno.test("Scheduler fails a lost call with resources that has no retries left", async () => {
  const [bench, one, other] = await benchOf(2, { gpu: 1 });
  await using _ = bench;
  const [first] = await submit(bench, 1, [1, 2]);
  await one!.hangUp();
  await assertRejects(() => first!.promise, WorkerLostError);
  assertEquals([other!.labels, other!.grants], [[2], [{ gpu: [0] }]]);
});

Deno.test("Scheduler frees the GPU of a call that can't be sent", async () => {
  const [bench, one] = await benchOf(1, { gpu: 1 });
  await using _ = bench;
  const [bad] = await submit(bench, 1, [() => {}, 2]);
  await assertRejects(() => bad!.promise, DOMException);
  assertEquals([one!.labels, one!.grants], [[2], [{ gpu: [0] }]]);
});

Deno.test("Scheduler.drain() lets a call finish with its GPU, and gives its worker no other", async () => {
  const [bench, one, other] = await benchOf(2, { gpu: 1 });
  await using _ = bench;
  const [first] = await submit(bench, 1, [1, 2]);
  const drained = bench.scheduler.drain(one!.handle);
  await settled();
  assertEquals([one!.labels, other!.labels], [[1], []]);
  await one!.answer();
  await drained;
  assertEquals(await first!.promise, 1);
  assertEquals([one!.labels, other!.labels], [[], [2]]);
});

Deno.test("Scheduler.submitToAll() waits for calls with resources, and they for it", async () => {
  const [bench, one, other] = await benchOf(2, { gpu: 1 });
  await using _ = bench;
  const [first] = await submit(bench, 1, [1]);
  const all = bench.scheduler.submitToAll(() => call("all"));
  await submit(bench, 1, [2]);
  assertEquals([one!.labels, other!.labels], [[1], []]);
  await one!.answer();
  assertEquals(await first!.promise, 1);
  assertEquals([one!.labels, other!.labels], [["all"], ["all"]]);
  await one!.answer();
  assertEquals([one!.labels, other!.labels], [[], ["all"]]);
  await other!.answer();
  assertEquals(await all, ["all", "all"]);
  assertEquals([...one!.grants, ...other!.grants], [{ gpu: [0] }]);
});

Deno.test("Scheduler fails calls once the last machine that they could use is lost", async () => {
  await using bench = new HostBench();
  const large = { labels: {}, resources: { gpu: 2 } };
  const worker = await bench.add("a", 1, large);
  await bench.add("b", 1, { labels: {}, resources: { gpu: 1 } });
  const calls = await submit(bench, 2, [1, 2]);
  const [waiting] = await submit(bench, 1, [3]);
  await worker.hangUp();
  const [lost, queued] = await Promise.allSettled(
    calls.map(({ promise }) => promise),
  );
  assertInstanceOf((lost as PromiseRejectedResult).reason, WorkerLostError);
  const { reason } = queued as PromiseRejectedResult;
  assertInstanceOf(reason, BrokenPoolError);
  assertEquals(
    reason.message,
    "No worker can run the task, which asks for gpu: 2; there is b (gpu: 1). Change 'where', 'resources' or the hosts, or let calls wait with onUnmet: \"wait\"",
  );
  await bench.worker(1).answer();
  assertEquals(await waiting!.promise, 3);
});
