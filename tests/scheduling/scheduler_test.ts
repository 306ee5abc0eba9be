import { assertEquals, assertRejects } from "@std/assert";
import { call } from "../helpers/fake_worker.ts";
import { Bench, dispatched, range } from "../helpers/scheduler_fixture.ts";

Deno.test("Scheduler distributes calls evenly among workers", async () => {
  await using bench = await Bench.with(8, 8, 8);
  bench.submit(...range(12));
  await dispatched();
  assertEquals(bench.loads, [4, 4, 4]);
  bench.submit(...range(9));
  await dispatched();
  assertEquals(bench.loads, [7, 7, 7]);
});

Deno.test("Scheduler sends calls in a microtask", async () => {
  await using bench = await Bench.with(8);
  bench.submit(...range(3));
  assertEquals(bench.loads, [0]);
  await dispatched();
  assertEquals(bench.loads, [3]);
});

Deno.test("Scheduler sends more calls to workers that have fewer", async () => {
  await using bench = await Bench.with(20);
  bench.submit(...range(6));
  await dispatched();
  await bench.add(20, 20);
  bench.submit(...range(9));
  await dispatched();
  assertEquals(bench.loads, [6, 5, 4]);
});

Deno.test("Scheduler sends calls to other workers when one has no room", async () => {
  await using bench = await Bench.with(1, 20, 20);
  bench.submit(...range(11));
  await dispatched();
  assertEquals(bench.loads, [1, 5, 5]);
});

Deno.test("Scheduler queues calls that no worker has room for", async () => {
  await using bench = await Bench.with(1, 2);
  const calls = bench.submit(...range(5));
  await dispatched();
  assertEquals(bench.loads, [1, 2]);
  assertEquals(calls.map(({ state }) => state), [
    "sent",
    "sent",
    "sent",
    "queued",
    "queued",
  ]);
  const done = Promise.all(calls.map(({ promise }) => promise));
  const answered = await Promise.all([
    bench.worker(0).answerUntil(done),
    bench.worker(1).answerUntil(done),
  ]);
  assertEquals(await done, range(5));
  assertEquals(answered.flat().toSorted(), range(5));
  assertEquals(bench.loads, [0, 0]);
});

Deno.test("Scheduler queues calls until there are workers", async () => {
  await using bench = new Bench();
  const [first] = bench.submit("first");
  await dispatched();
  assertEquals(first!.state, "queued");
  assertEquals(bench.scheduler.workers, 0);
  await bench.add(2, 3);
  assertEquals(await bench.worker(0).answer(), "first");
  assertEquals(await first!.promise, "first");
});

Deno.test("Scheduler continues after a call that can't be sent", async () => {
  await using bench = await Bench.with(4);
  const [bad, good] = bench.submit(() => 1, "good");
  await assertRejects(() => bad!.promise, DOMException, "function");
  assertEquals(await bench.worker(0).answer(), "good");
  assertEquals(await good!.promise, "good");
  await bench.scheduler.idle();
});

Deno.test("Scheduler delivers the error of a task", async () => {
  await using bench = await Bench.with(1);
  const [failing, next] = bench.submit("failing", "next");
  await bench.worker(0).fail(new TypeError("oops"));
  await assertRejects(() => failing!.promise, TypeError, "oops");
  await bench.worker(0).answer();
  assertEquals(await next!.promise, "next");
});

Deno.test("Scheduler.connect() runs the initializer before any call", async () => {
  await using bench = new Bench();
  const [queued] = bench.submit("queued");
  const worker = await bench.connect(4);
  const connected = bench.scheduler.connect(worker.handle, call("initialize"));
  await dispatched();
  assertEquals([bench.loads, queued!.state], [[1], "queued"]);
  assertEquals(await worker.answer(), "initialize");
  await connected;
  bench.scheduler.add([worker.handle]);
  assertEquals(await worker.answer(), "queued");
  await bench.scheduler.idle();
});

Deno.test("Scheduler.connect() rejects if the initializer fails", async () => {
  await using bench = new Bench();
  const worker = await bench.connect(4);
  const connected = bench.scheduler.connect(worker.handle, call("initialize"));
  await worker.fail(new RangeError("not now"));
  await assertRejects(() => connected, RangeError, "not now");
  await bench.scheduler.idle();
});

Deno.test(
  "Scheduler distributes calls evenly although some were cancelled",
  async () => {
    await using bench = new Bench();
    const [, ...others] = bench.submit(...range(20));
    for (const other of others.slice(1)) other.abandon();
    await bench.add(8, 8);
    await dispatched();
    assertEquals(bench.loads, [1, 1]);
  },
);
