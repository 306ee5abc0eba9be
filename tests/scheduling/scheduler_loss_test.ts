import { assertEquals, assertRejects } from "@std/assert";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import { call, HostBench, settled } from "../helpers/fake_worker.ts";
import { Bench, dispatched, range } from "../helpers/scheduler_fixture.ts";

Deno.test(
  "Scheduler fails the begun calls of a lost worker and moves the others",
  async () => {
    await using bench = await Bench.with(1, 1);
    const calls = bench.submit(...range(6));
    await bench.worker(0).arrived();
    await dispatched();
    const lost = calls.find(({ state }) => state === "sent")!;
    bench.worker(0).hangUp();
    await assertRejects(() => lost.promise, WorkerLostError);
    await dispatched();
    assertEquals(bench.scheduler.workers, 1);
    assertEquals(bench.worker(1).calls, 1);
    const idle = bench.scheduler.idle();
    assertEquals(await bench.worker(1).answerUntil(idle), range(6).slice(1));
  },
);

Deno.test("Scheduler fails a barrier whose worker is lost and continues", async () => {
  await using bench = await Bench.with(1, 1);
  const barrier = bench.scheduler.submitToAll(() => call("barrier"));
  const [after] = bench.submit("after");
  await bench.worker(0).arrived();
  bench.worker(0).hangUp();
  await assertRejects(() => barrier, WorkerLostError);
  assertEquals(await bench.worker(1).answer(), "barrier");
  assertEquals(await bench.worker(1).answer(), "after");
  assertEquals(await after!.promise, "after");
});

Deno.test(
  "Scheduler reports the loss of its last worker, and queued calls can be cancelled",
  async () => {
    await using bench = await Bench.with(1);
    const [sent, queued] = bench.submit("sent", "queued");
    await bench.worker(0).arrived();
    bench.worker(0).hangUp();
    assertEquals((await bench.noWorkers).end.exitStatus, "signal SIGKILL");
    await assertRejects(() => sent!.promise, WorkerLostError);
    assertEquals([bench.scheduler.workers, queued!.state], [
      0,
      "queued",
    ]);
    bench.scheduler.cancelQueued(() => new Error("no worker"));
    await assertRejects(() => queued!.promise, Error, "no worker");
    await bench.scheduler.idle();
  },
);

Deno.test("Scheduler.add() skips workers that were lost before", async () => {
  await using bench = await Bench.with(2);
  const worker = await bench.connect(2);
  const lost = call("initialize");
  const connected = bench.scheduler.connect(worker.handle, lost);
  worker.hangUp();
  await assertRejects(() => connected, WorkerLostError);
  bench.scheduler.add([worker.handle]);
  assertEquals(bench.scheduler.workers, 1);
  bench.submit("a", "b");
  await dispatched();
  assertEquals(bench.worker(0).calls, 2);
});

Deno.test(
  "Scheduler doesn't begin a barrier when no worker is left",
  async () => {
    await using bench = await Bench.with(1);
    bench.submit("sent");
    const barrier = bench.scheduler.submitToAll(() => call("barrier"));
    await bench.worker(0).arrived();
    bench.worker(0).hangUp();
    await bench.noWorkers;
    bench.scheduler.cancelQueued(() => new RangeError("no worker"));
    await assertRejects(() => barrier, RangeError, "no worker");
    await bench.scheduler.idle();
  },
);

Deno.test("Scheduler runs a lost call at an idle worker, though another one has only a tiny call", async () => {
  await using bench = new HostBench();
  const lost = await bench.add("b", 4);
  const busy = await bench.add("a", 4);
  const idle = await bench.add("a", 4);
  await bench.submit("b", "tiny");
  assertEquals(await lost.answer(), "tiny");
  await bench.submit("a", "running");
  bench.scheduler.submit(call("lost", undefined, 1));
  await settled();
  assertEquals([lost.labels, busy.labels], [["lost"], ["running"]]);
  await lost.hangUp();
  assertEquals([busy.labels, idle.labels], [["running"], ["lost"]]);
});
