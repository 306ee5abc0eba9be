import { assert, assertEquals, assertRejects } from "@std/assert";
import { call } from "../helpers/fake_worker.ts";
import { Bench, dispatched, Source } from "../helpers/scheduler_fixture.ts";

Deno.test("Scheduler.submitToAll() sends a call to each worker", async () => {
  await using bench = await Bench.with(1, 1);
  const labels = ["one", "two"];
  const results = bench.scheduler.submitToAll(() => call(labels.shift()));
  await bench.worker(1).answer();
  await bench.worker(0).answer();
  assertEquals(await results, ["one", "two"]);
  await bench.scheduler.idle();
});

Deno.test("Scheduler.submitToAll() waits for earlier calls and holds back later ones", async () => {
  await using bench = await Bench.with(8, 8);
  const before = bench.submit("before", "before");
  const barrier = bench.scheduler.submitToAll(() => call("barrier"));
  const after = bench.submit("after", "after");
  const second = bench.scheduler.submitToAll(() => call("second"));
  const last = bench.submit("last");
  const source = new Source(bench.scheduler, "source");
  const [left, right] = [bench.worker(0), bench.worker(1)];
  await dispatched();
  assertEquals(bench.loads, [1, 1]);

  assertEquals(await left.answer(), "before");
  await before[0]!.promise;
  await dispatched();
  assertEquals(bench.loads, [0, 1]);

  assertEquals(await right.answer(), "before");
  assertEquals(await left.answer(), "barrier");
  bench.scheduler.addSource(source);
  await dispatched();
  assertEquals(after[0]!.state, "queued");

  assertEquals(await right.answer(), "barrier");
  assertEquals(await barrier, ["barrier", "barrier"]);
  assertEquals(await left.answer(), "after");
  await after[0]!.promise;
  await dispatched();
  assertEquals([bench.loads, source.asked], [[0, 1], []]);

  assertEquals(await right.answer(), "after");
  assertEquals(await Promise.all([left.answer(), right.answer()]), [
    "second",
    "second",
  ]);
  await second;
  source.end();
  const done = last[0]!.promise;
  const labels = [left.answerUntil(done), right.answerUntil(done)];
  assertEquals(await done, "last");
  assert((await Promise.all(labels)).flat().includes("last"));
});

Deno.test("Scheduler.submitToAll() rejects with the first error and ends with the last call", async () => {
  await using bench = await Bench.with(1, 1);
  const barrier = bench.scheduler.submitToAll(() => call("barrier"));
  const [after] = bench.submit("after");
  await bench.worker(0).fail(new TypeError("oops"));
  await assertRejects(() => barrier, TypeError, "oops");
  await dispatched();
  assertEquals([bench.loads, after!.state], [[0, 1], "queued"]);
  await bench.worker(1).answer();
  assertEquals(await bench.worker(0).answer(), "after");
  await bench.scheduler.idle();
});

Deno.test("Scheduler begins a barrier when all queued calls before it were abandoned", async () => {
  await using bench = await Bench.with(1);
  const [sent, queued] = bench.submit("sent", "queued");
  const barrier = bench.scheduler.submitToAll(() => call("barrier"));
  await dispatched();
  queued!.abandon();
  assertEquals(await bench.worker(0).answer(), "sent");
  assertEquals(await sent!.promise, "sent");
  assertEquals(await bench.worker(0).answer(), "barrier");
  assertEquals(await barrier, ["barrier"]);
});
