import { assertEquals } from "@std/assert";
import { CallList } from "../../src/scheduling/call_list.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import {
  shareFairly,
  type SlowCalls,
} from "../../src/scheduling/share_fairly.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { call, FakeWorker, settled } from "../helpers/fake_worker.ts";

const NONE: SlowCalls = { calls: 0, microseconds: 0 };

/** Workers that have answered calls, and others that wait to be sent. */
class Bench implements AsyncDisposable {
  readonly calls = new CallList();
  readonly #set = new WorkerSet();
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
