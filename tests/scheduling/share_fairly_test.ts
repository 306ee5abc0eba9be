import { assertEquals } from "@std/assert";
import { CallKind } from "../../src/calls/call_kind.ts";
import { PromisedCall } from "../../src/calls/promised_call.ts";
import { CallList } from "../../src/scheduling/call_list.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import {
  shareFairly,
  type SlowCalls,
} from "../../src/scheduling/share_fairly.ts";
import { TaskDurations } from "../../src/scheduling/task_durations.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { TaskRegistry } from "../../src/tasks/task_registry.ts";
import {
  call,
  FakeWorker,
  HostBench,
  settled,
  TASK,
} from "../helpers/fake_worker.ts";
import { range } from "../helpers/scheduler_fixture.ts";

const NONE: SlowCalls = { calls: 0, microseconds: 0 };

/** Workers that have answered calls, and others that wait to be sent. */
class Bench implements AsyncDisposable {
  readonly calls = new CallList();
  readonly #durations = new TaskDurations();
  readonly #set = new WorkerSet(this.#durations);
  readonly #workers: FakeWorker[] = [];
  #now = 0;

  /**
   * Adds a worker.
   *
   * @param delay How long a call takes there and back, in milliseconds.
   * @param microseconds How long its calls take.
   */
  add(delay: number, microseconds: number): FakeWorker {
    const worker = new FakeWorker(
      new HostTally("local"),
      "auto",
      () => this.#now,
    );
    const { handle: { window }, handle } = worker;
    window.sent(0);
    this.#now += delay + microseconds / 1_000;
    for (let times = 0; times < 10; times++) {
      window.measured(1, microseconds, 1);
    }
    window.returned(0);
    this.#durations.add(TASK, 1, microseconds);
    this.#workers.push(worker);
    this.#set.add([handle]);
    return worker;
  }

  /** Shares the waiting calls, and returns what each worker has got. */
  async share(slow: SlowCalls): Promise<unknown[][]> {
    shareFairly(
      this.calls,
      this.#set,
      undefined,
      this.#durations,
      (worker, call) => worker.send(call),
      (worker) => this.#set.refresh(worker),
      slow,
    );
    await settled();
    return this.#workers.map(({ labels }) => labels);
  }

  /** Adds calls with the numbers up to `count`. */
  wait(count: number): void {
    for (let label = 1; label <= count; label++) this.calls.push(call(label));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker.hangUp();
  }
}

Deno.test("shareFairly() gives tiny calls to one worker, in one message", async () => {
  await using bench = new Bench();
  bench.add(0, 1);
  bench.add(0, 1);
  bench.wait(4);
  assertEquals(await bench.share(NONE), [[1, 2, 3, 4], []]);
});

Deno.test("shareFairly() gives each worker one of the calls that are expected to be slow", async () => {
  await using bench = new Bench();
  bench.add(0, 1);
  bench.add(0, 1);
  bench.wait(4);
  const slow = { calls: 4, microseconds: 50_000 };
  assertEquals(await bench.share(slow), [[1], [2]]);
  assertEquals([bench.calls.length, slow.calls], [2, 2]);
});

Deno.test("shareFairly() ends if it rounds the average of a worker whose calls should be slow", async () => {
  await using bench = new Bench();
  bench.add(0, 1);
  bench.wait(2);
  const slow = { calls: 2, microseconds: 1_600_000 / 29 };
  assertEquals(await bench.share(slow), [[1]]);
});

Deno.test("shareFairly() gives a distant worker no more than others if it doesn't need more", async () => {
  await using bench = new Bench();
  bench.add(0, 100_000);
  bench.add(50, 100_000);
  bench.wait(10);
  assertEquals(await bench.share(NONE), [[1], [2, 3, 4, 5, 6]]);
  assertEquals(bench.calls.length, 4);
});

Deno.test("shareFairly() gives a distant worker what it needs to be busy", async () => {
  await using bench = new Bench();
  bench.add(0, 10_000);
  bench.add(50, 10_000);
  bench.wait(10);
  assertEquals(
    (await bench.share(NONE)).map(({ length }) => length),
    [1, 9],
  );
});

Deno.test("shareFairly() gives a call to an idle worker, not to a distant one that has a tiny call", async () => {
  await using bench = new Bench();
  bench.add(5, 100_000);
  bench.add(0, 1);
  bench.wait(1);
  assertEquals(await bench.share(NONE), [[1], []]);
  bench.wait(1);
  assertEquals(await bench.share(NONE), [[1], [1]]);
  assertEquals(bench.calls.length, 0);
});

/** A bench with three workers, two of which have answered a call. */
async function benchWith(
  first: number,
  second: number,
): Promise<HostBench> {
  const bench = new HostBench();
  for (let count = 0; count < 3; count++) await bench.add("local", 100);
  await bench.submit(undefined, "first", "second");
  await bench.worker(0).answer(first);
  await bench.worker(1).answer(second);
  return bench;
}

function loads({ labels }: HostBench): number[] {
  return labels.map(({ length }) => length);
}

Deno.test("shareFairly() sends tiny calls to few workers, although one call took long", async () => {
  await using bench = await benchWith(1, 8_000);
  await bench.submit(undefined, ...range(40));
  // The square roots of 40 * 20 µs / 2 µs, and of 20 * 20 µs / 2 µs.
  assertEquals(loads(bench), [20, 14, 6]);
});

Deno.test("shareFairly() shares longer calls equally", async () => {
  await using bench = await benchWith(1_000, 1_000);
  await bench.submit(undefined, ...range(30));
  assertEquals(loads(bench), [10, 10, 10]);
});

Deno.test("shareFairly() shares calls of another task equally, however short the others were", async () => {
  await using bench = await benchWith(1, 1);
  const other = new TaskRegistry(() => {}).register((x: number) => x + 1);
  for (const x of range(30)) {
    const call = new PromisedCall(new CallKind(other), [x], undefined);
    call.promise.catch(() => {});
    bench.scheduler.submit(call);
  }
  await settled();
  assertEquals(loads(bench), [10, 10, 10]);
});
