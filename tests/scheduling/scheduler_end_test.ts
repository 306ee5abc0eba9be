import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { call } from "../helpers/fake_worker.ts";
import { Bench, dispatched, Source } from "../helpers/scheduler_fixture.ts";

Deno.test("Scheduler drops queued calls that are abandoned", async () => {
  await using bench = await Bench.with(1);
  const [sent, queued, next] = bench.submit("sent", "queued", "next");
  await dispatched();
  assertEquals([sent!.state, queued!.state], ["sent", "queued"]);
  assert(queued!.abandon());
  assertFalse(queued!.abandon());
  assertEquals(queued!.state, "settled");
  assertEquals(await bench.worker(0).answer(), "sent");
  assertEquals(await bench.worker(0).answer(), "next");
  assertEquals(await next!.promise, "next");
  assertFalse(sent!.abandon());
  await bench.scheduler.idle();
});

Deno.test("Scheduler.idle() waits for calls that are queued or in flight", async () => {
  await using bench = await Bench.with(1);
  await bench.scheduler.idle();
  bench.submit("first", "second");
  let isIdle = false;
  const idle = bench.scheduler.idle().then(() => isIdle = true);
  await bench.worker(0).answer();
  await bench.worker(0).arrived();
  assertFalse(isIdle);
  await bench.worker(0).answer();
  assert(await idle);
});

Deno.test("Scheduler.close() fails later calls only", async () => {
  await using bench = await Bench.with(1);
  const calls = bench.submit("sent", "queued");
  const barrier = bench.scheduler.submitToAll(() => call("barrier"));
  const source = new Source(bench.scheduler, "source");
  bench.scheduler.addSource(source);
  await dispatched();
  const reason = new Error("closed");
  bench.scheduler.close(() => reason);
  bench.scheduler.close(() => new Error("closed again"));
  assertStrictEquals(source.stopped, reason);

  const [late] = bench.submit("late");
  assertEquals(late!.state, "settled");
  await assertRejects(() => late!.promise, Error, "closed");
  await assertRejects(
    () => bench.scheduler.submitToAll(() => call("late")),
    Error,
    "closed",
  );
  const lateSource = new Source(bench.scheduler, "source");
  bench.scheduler.addSource(lateSource);
  assertInstanceOf(lateSource.stopped, Error);

  for (const expected of ["sent", "queued", "barrier"]) {
    assertEquals(await bench.worker(0).answer(), expected);
  }
  await Promise.all([barrier, ...calls.map(({ promise }) => promise)]);
  await bench.scheduler.idle();
  assertEquals([source.asked, lateSource.asked], [[], []]);
});

Deno.test("Scheduler.cancelQueued() fails calls and barriers that haven't begun", async () => {
  await using bench = await Bench.with(1);
  const [sent, ...queued] = bench.submit("sent", "queued");
  const barrier = bench.scheduler.submitToAll(() => call("barrier"));
  queued.push(...bench.submit("after the barrier"));
  await dispatched();
  bench.scheduler.cancelQueued(() => new RangeError("not any more"));
  for (const { promise } of queued) {
    await assertRejects(() => promise, RangeError, "not any more");
  }
  await assertRejects(() => barrier, RangeError, "not any more");
  assertEquals(await bench.worker(0).answer(), "sent");
  assertEquals(await sent!.promise, "sent");
  await bench.scheduler.idle();
});

Deno.test("Scheduler.submitUnmade() queues calls like submit()", async () => {
  await using bench = await Bench.with(1);
  const [first] = bench.submit("first");
  const unmade = bench.submitUnmade("second", "third");
  const barrier = bench.scheduler.submitToAll(() => call("barrier"));
  const [last] = bench.submitUnmade("last");
  await dispatched();
  assertEquals([bench.scheduler.queued, bench.scheduler.pending], [3, 5]);
  const labels = ["first", "second", "third", "barrier", "last"];
  for (const label of labels) {
    assertEquals(await bench.worker(0).answer(), label);
  }
  assertEquals(await first!.promise, "first");
  assertEquals(await Promise.all(unmade), ["second", "third"]);
  assertEquals([await barrier, await last], [["barrier"], "last"]);
  await bench.scheduler.idle();
});

Deno.test("Scheduler fails unmade calls when they are cancelled, or it is closed", async () => {
  await using bench = await Bench.with(1);
  const [sent, queued] = bench.submitUnmade("sent", "queued");
  await dispatched();
  bench.scheduler.cancelQueued(() => new Error("cancelled"));
  await assertRejects(() => queued!, Error, "cancelled");
  bench.scheduler.close(() => new Error("closed"));
  const [late] = bench.submitUnmade("late");
  await assertRejects(() => late!, Error, "closed");
  assertEquals(await bench.worker(0).answer(), "sent");
  assertEquals(await sent, "sent");
  assertEquals(bench.scheduler.pending, 0);
});
