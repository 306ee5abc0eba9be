import { assert, assertFalse } from "@std/assert";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { Rebalancer } from "../../src/scheduling/rebalancer.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import { call, FakeWorker } from "../helpers/fake_worker.ts";

/** A rebalancer, and an idle worker beside one where two calls wait. */
class Bench implements AsyncDisposable {
  readonly rebalancer: Rebalancer;
  mayRecall = true;
  readonly #timers = new FakeTime();
  readonly #busy: FakeWorker;
  readonly #idle: FakeWorker;
  readonly #workers = new WorkerSet();
  #now = 0;

  constructor() {
    const workers = this.#workers;
    this.rebalancer = new Rebalancer(workers, () => this.mayRecall);
    const tally = new HostTally("local");
    this.#busy = new FakeWorker(tally, 8, () => this.#now);
    this.#idle = new FakeWorker(tally, 8, () => this.#now);
    const { handle } = this.#busy;
    workers.add([handle, this.#idle.handle]);
    for (let label = 0; label < 3; label++) handle.send(call(label));
    handle.flush();
    workers.refresh(handle);
    this.rebalancer.update(handle, false);
  }

  get isRecalling(): boolean {
    return this.#busy.handle.isRecalling;
  }

  /** Makes the busy worker send the beginning of a large result. */
  async beginLarge(byteLength: number): Promise<void> {
    const { handle } = this.#busy;
    handle.receive({
      changed: () => {
        this.#workers.refresh(handle);
        this.rebalancer.update(handle, false);
      },
    }).catch(() => {});
    await this.#busy.beginLarge(byteLength);
  }

  /** Lets time pass, in milliseconds. */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
    this.#timers.tick(milliseconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of [this.#busy, this.#idle]) {
      this.rebalancer.remove(worker.handle);
      await worker.hangUp();
    }
    this.#timers.restore();
  }
}

Deno.test("Rebalancer looks again by itself once calls have waited long", async () => {
  await using bench = new Bench();
  bench.rebalancer.balance();
  assertFalse(bench.isRecalling);
  bench.pass(1_000);
  assert(bench.isRecalling);
});

Deno.test("Rebalancer recalls nothing by itself while it may not", async () => {
  await using bench = new Bench();
  bench.rebalancer.balance();
  bench.mayRecall = false;
  bench.pass(1_000);
  assertFalse(bench.isRecalling);
  bench.mayRecall = true;
  bench.rebalancer.balance();
  assert(bench.isRecalling);
});

Deno.test("Rebalancer recalls calls at once from a worker that sends a large result", async () => {
  await using bench = new Bench();
  await bench.beginLarge(100_000_000);
  bench.rebalancer.balance();
  assert(bench.isRecalling);
});

Deno.test("Rebalancer recalls nothing from a worker whose result arrives soon", async () => {
  await using bench = new Bench();
  await bench.beginLarge(1_000_000);
  bench.rebalancer.balance();
  assertFalse(bench.isRecalling);
});
