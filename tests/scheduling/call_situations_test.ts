import { assertEquals, assertGreater } from "@std/assert";
import type { CallSource } from "../../src/scheduling/call_sources.ts";
import {
  at,
  call,
  HostBench,
  placedCall,
  settled,
} from "../helpers/fake_worker.ts";

const PLACE = { labels: {}, resources: { gpu: 2 } };

Deno.test("CallSituations.of() follows a call from the queue to its end", async () => {
  await using bench = new HostBench();
  const { scheduler: { situations } } = bench;
  const [first, second, third] = await bench.submit(undefined, 1, 2, 3);
  const waits = situations.of(second!);
  assertEquals(waits.code === "waiting" && waits.before, 1);
  assertEquals(waits.code === "waiting" && waits.reason.code, "noWorker");
  const worker = await bench.add("a", 2);
  assertEquals(situations.of(first!).code, "running");
  const behind = situations.of(second!);
  assertEquals(behind.code === "behind" && behind.before, 1);
  const queued = situations.of(third!);
  assertEquals(queued.code === "waiting" && queued.reason.code, "busy");
  second!.cancel(new Error("not wanted"));
  assertEquals(situations.of(second!), {
    code: "cancelled",
    worker: "a worker",
  });
  for (const _ of [1, 2, 3]) await worker.answer();
  assertEquals(situations.of(first!), { code: "ended" });
  assertEquals(situations.of(second!), { code: "ended" });
});

Deno.test("CallSituations.of() doesn't know a call of another scheduler", async () => {
  await using bench = new HostBench();
  await using other = new HostBench();
  const [queued] = await other.submit(undefined, 1);
  const { scheduler: { situations } } = bench;
  assertEquals(situations.of(queued!), { code: "unknown" });
  assertEquals(situations.of(call(2)), { code: "unknown" });
});

Deno.test("CallSituations.of() says that a lost call waits to run in isolation", async () => {
  await using bench = new HostBench();
  const { scheduler } = bench;
  const lost = await bench.add("a");
  const risky = call("risky", undefined, 1);
  scheduler.submit(risky);
  await settled();
  await lost.hangUp();
  const situation = scheduler.situations.of(risky);
  assertEquals(situation.code === "waiting" && situation.isIsolated, true);
  const other = await bench.add("a");
  const again = scheduler.situations.of(risky);
  assertEquals(again.code === "running" && again.activity.state, "isolated");
  await other.answer();
});

Deno.test("CallSituations.waiting has a group for each reason", async () => {
  await using bench = new HostBench();
  const { scheduler } = bench;
  const worker = await bench.add("a", 1, PLACE);
  await bench.submit(undefined, 1, 2);
  const large = { resources: { gpu: 3 }, mayWait: true };
  scheduler.submit(placedCall(3, large));
  const all = scheduler.submitToAll(() => call("all"), undefined, "warm");
  await bench.submit(undefined, 4, 5);
  const groups = scheduler.situations.waiting.map((group) =>
    group.code === "waiting"
      ? [group.reason.code, group.tasks]
      : group.code === "barrier"
      ? [group.code, group.barrier.task, group.barrier.queued, group.tasks]
      : [group.code]
  );
  assertEquals(groups, [
    ["noWorker", 1],
    ["busy", 1],
    ["barrier", "warm", 2, 2],
  ]);
  scheduler.cancelQueued(() => new Error("enough"));
  await all.catch(() => {});
  await worker.answer();
  assertEquals(scheduler.situations.waiting, []);
});

Deno.test("CallSituations.waiting tells maps that wait for others from those that wait for workers", async () => {
  await using bench = new HostBench();
  const { scheduler } = bench;
  const source: CallSource = {
    ended: false,
    task: "f",
    waitsFor: "reader",
    left: 7,
    placement: at(undefined),
    pull() {},
    stop() {},
  };
  scheduler.addSource(source);
  await settled();
  const [before] = scheduler.situations.waiting;
  assertEquals(before?.code === "waiting" && before.tasks, 7);
  await bench.add("a");
  assertEquals(scheduler.situations.waiting, [
    { code: "map", task: "f", waitsFor: "reader" },
  ]);
});

Deno.test("CallSituations.movement grows when a call is sent or answered, or a worker joins", async () => {
  await using bench = new HostBench();
  const { scheduler: { situations } } = bench;
  let last = situations.movement;
  const moved = () => {
    const { movement } = situations;
    assertGreater(movement, last);
    last = movement;
  };
  await bench.submit(undefined, 1, 2);
  assertEquals(situations.movement, last);
  const worker = await bench.add("a");
  moved();
  await worker.answer();
  moved();
  await worker.answer();
  moved();
  await settled();
  assertEquals(situations.movement, last);
});
