import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BrokenPoolError } from "../../src/errors/broken_pool_error.ts";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import type { Placement } from "../../src/calls/placement.ts";
import type { CallSource, Offer } from "../../src/scheduling/call_sources.ts";
import type { Scheduler } from "../../src/scheduling/scheduler.ts";
import { at, call, HostBench, settled } from "../helpers/fake_worker.ts";

/** A source that submits one call for its host whenever it is asked. */
class Source implements CallSource {
  readonly asked: number[] = [];
  stopped: Error | undefined;
  ended = false;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, readonly host?: string) {
    this.#scheduler = scheduler;
  }

  get placement(): Placement | undefined {
    return at(this.host);
  }

  pull({ room }: Offer): void {
    this.asked.push(room);
    this.#scheduler.submit(call("source", this.host));
  }

  stop(reason: Error): void {
    this.stopped = reason;
    this.ended = true;
  }
}

function assertAbsent(error: unknown, host: string): void {
  assertInstanceOf(error, BrokenPoolError);
  assertStringIncludes(error.message, `no worker on the host '${host}'`);
}

Deno.test("Scheduler sends calls for a host to the workers of that host only", async () => {
  await using bench = await HostBench.with("a", "b", "b");
  await bench.submit("b", 1, 2, 3);
  assertEquals(bench.labels, [[], [1], [2]]);
  await bench.worker(2).answer();
  assertEquals(bench.labels, [[], [1], [3]]);
});

Deno.test("Scheduler lets other calls overtake calls for a busy host", async () => {
  await using bench = await HostBench.with("a", "b");
  await bench.submit("b", 1, 2);
  await bench.submit(undefined, 3, 4);
  assertEquals(bench.labels, [[3], [1]]);
  assertEquals(bench.scheduler.queued, 2);
  await bench.worker(0).answer();
  assertEquals(bench.labels, [[4], [1]]);
  await bench.worker(1).answer();
  assertEquals(bench.labels, [[4], [2]]);
});

Deno.test("Scheduler serves calls for several hosts and for any host", async () => {
  await using bench = await HostBench.with("a", "b");
  const calls = [
    ...await bench.submit("a", 1, 2),
    ...await bench.submit("b", 3, 4),
    ...await bench.submit(undefined, 5, 6),
  ];
  const done = Promise.all(calls.map(({ promise }) => promise));
  for (let left = calls.length; left > 0;) {
    for (const worker of [bench.worker(0), bench.worker(1)]) {
      if (worker.labels.length === 0) continue;
      await worker.answer();
      left--;
    }
  }
  assertEquals(await done, [1, 2, 3, 4, 5, 6]);
  await bench.scheduler.idle();
});

Deno.test("Scheduler offers a source for one host the room on that host", async () => {
  await using bench = new HostBench();
  await bench.add("a", 9);
  await bench.add("b", 3);
  const { scheduler } = bench;
  const source = new Source(scheduler, "b");
  scheduler.submit(call("queued", "b"));
  scheduler.addSource(source);
  await settled();
  assertEquals(source.asked, [2]);
  assertEquals(bench.labels, [[], ["queued", "source"]]);
});

Deno.test("Scheduler doesn't ask a source for one host while that host has no room", async () => {
  await using bench = await HostBench.with("a", "b");
  await bench.submit("b", 1);
  const source = new Source(bench.scheduler, "b");
  bench.scheduler.addSource(source);
  await bench.submit("a", 2);
  await bench.worker(0).answer();
  assertEquals(source.asked, []);
  await bench.worker(1).answer();
  assertEquals(source.asked, [1]);
  assertEquals(bench.labels, [[], ["source"]]);
});

Deno.test("Scheduler queues calls for a host until the pool has workers", async () => {
  await using bench = new HostBench();
  const [waiting] = await bench.submit("b", 1);
  const source = new Source(bench.scheduler, "b");
  bench.scheduler.addSource(source);
  await settled();
  assertEquals([waiting!.state, source.stopped], ["queued", undefined]);
  const worker = await bench.add("b", 2);
  assertEquals(worker.labels, [1, "source"]);
});

Deno.test("Scheduler fails calls for a host without workers and continues", async () => {
  await using bench = await HostBench.with("a");
  const { scheduler } = bench;
  const [absent] = await bench.submit("b", 1);
  assertAbsent(await absent!.promise.catch((error) => error), "b");
  const source = new Source(scheduler, "b");
  scheduler.addSource(source);
  const barrier = scheduler.submitToAll(() => call("barrier"), at("b"));
  assertAbsent(await barrier.catch((error) => error), "b");
  assertAbsent(source.stopped, "b");
  assertEquals(source.asked, []);
  await bench.submit(undefined, 2);
  assertEquals(await bench.worker(0).answer(), 2);
  await scheduler.idle();
});

Deno.test("Scheduler fails queued calls for a host whose last worker is lost", async () => {
  await using bench = await HostBench.with("a", "b");
  const { scheduler } = bench;
  const [sent, queued] = await bench.submit("b", 1, 2);
  const source = new Source(scheduler, "b");
  scheduler.addSource(source);
  const [other] = await bench.submit(undefined, 3);
  await bench.worker(1).hangUp();
  await assertRejects(() => sent!.promise, WorkerLostError);
  assertAbsent(await queued!.promise.catch((error) => error), "b");
  assertAbsent(source.stopped, "b");
  await bench.worker(0).answer();
  assertEquals(await other!.promise, 3);
  await scheduler.idle();
});

Deno.test("Scheduler fails retries for a host whose last worker is lost", async () => {
  await using bench = await HostBench.with("a", "b");
  const { scheduler } = bench;
  const again = call(1, "b", 2);
  scheduler.submit(again);
  await settled();
  await bench.worker(1).hangUp();
  assertAbsent(await again.promise.catch((error) => error), "b");
  const barrier = scheduler.submitToAll(() => call("barrier"));
  await settled();
  assertEquals(await bench.worker(0).answer(), "barrier");
  assertEquals(await barrier, ["barrier"]);
  await scheduler.idle();
});

Deno.test("Scheduler asks sources again when a call can't be sent", async () => {
  await using bench = await HostBench.with("a");
  const { scheduler } = bench;
  const source = new Source(scheduler);
  scheduler.addSource(source);
  const unsendable = call(() => {});
  scheduler.submit(unsendable);
  await assertRejects(() => unsendable.promise);
  await settled();
  assertEquals(bench.labels, [["source"]]);
});

Deno.test("Scheduler.submitToAll() runs on the workers of one host after all earlier calls", async () => {
  await using bench = await HostBench.with("a", "b", "b");
  await bench.submit("a", "before");
  const barrier = bench.scheduler.submitToAll(() => call("barrier"), at("b"));
  const [after] = await bench.submit(undefined, "after");
  assertEquals(bench.labels, [["before"], [], []]);
  await bench.worker(0).answer();
  assertEquals(bench.labels, [[], ["barrier"], ["barrier"]]);
  await bench.worker(1).answer();
  assertEquals(after!.state, "queued");
  await bench.worker(2).answer();
  assertEquals(await barrier, ["barrier", "barrier"]);
  assertEquals(bench.labels.flat(), ["after"]);
});

Deno.test("Scheduler.submitToAll() for a host without workers doesn't block other calls", async () => {
  await using bench = await HostBench.with("a");
  const absent = bench.scheduler.submitToAll(() => call("absent"), at("b"))
    .catch((error) => error);
  const barrier = bench.scheduler.submitToAll(() => call("barrier"), at("a"));
  const [after] = await bench.submit("a", "after");
  assertAbsent(await absent, "b");
  await settled();
  assertEquals(await bench.worker(0).answer(), "barrier");
  assertEquals(await barrier, ["barrier"]);
  assertEquals(await bench.worker(0).answer(), "after");
  assertEquals(await after!.promise, "after");
  await bench.scheduler.idle();
});

Deno.test("Scheduler drops an abandoned call for a host", async () => {
  await using bench = await HostBench.with("a", "b");
  const [, queued] = await bench.submit("b", 1, 2, 3);
  assertEquals(queued!.abandon(), true);
  assertEquals(bench.scheduler.queued, 1);
  assertEquals(await bench.worker(1).answer(), 1);
  assertEquals(await bench.worker(1).answer(), 3);
  await bench.scheduler.idle();
});

Deno.test("Scheduler.cancelQueued() fails calls for a host, even after a barrier", async () => {
  await using bench = await HostBench.with("a", "b");
  const [sent, queued] = await bench.submit("b", 1, 2);
  const barrier = bench.scheduler.submitToAll(() => call("barrier"), at("b"));
  const [after] = await bench.submit("b", 3);
  bench.scheduler.cancelQueued(() => new RangeError("not any more"));
  for (const promise of [queued!.promise, barrier, after!.promise]) {
    await assertRejects(() => promise, RangeError, "not any more");
  }
  await bench.worker(1).answer();
  assertEquals(await sent!.promise, 1);
  await bench.scheduler.idle();
});
