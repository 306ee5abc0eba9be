import { assert, assertEquals, assertFalse } from "@std/assert";
import { MapCall } from "../../src/map/map_call.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { Rebalancer } from "../../src/scheduling/rebalancer.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { FakeTime } from "../helpers/fake_time.ts";
import { call, CHUNK, FakeWorker, MAP } from "../helpers/fake_worker.ts";

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

/** Workers with windows that adapt, in the order in which they are added. */
class Workers implements AsyncDisposable {
  readonly rebalancer: Rebalancer;
  readonly #set = new WorkerSet();
  readonly #timers = new FakeTime();
  readonly #workers: FakeWorker[] = [];
  #now = 0;

  constructor() {
    this.rebalancer = new Rebalancer(this.#set, () => true);
  }

  /**
   * Adds a worker that has answered many tiny calls.
   *
   * @param items How many items it has in a chunk.
   * @param delay How long a call takes there and back, in milliseconds.
   */
  add(items: number, delay = 0): FakeWorker {
    const worker = new FakeWorker(
      new HostTally("local"),
      "auto",
      () => this.#now,
    );
    this.#workers.push(worker);
    this.#set.add([worker.handle]);
    const { handle: { window } } = worker;
    window.sent(0);
    this.#now += delay;
    for (let times = 0; times < 100; times++) window.measured(1, 1, 1);
    window.returned(0);
    if (items > 0) this.send(worker, items);
    return worker;
  }

  /** Sends a chunk to a worker. */
  send({ handle }: FakeWorker, items: number): void {
    const chunk = new Array(items).fill(0);
    handle.send(new MapCall(MAP, CHUNK, chunk));
    handle.flush();
    this.#set.refresh(handle);
    this.rebalancer.update(handle, false);
  }

  /** Lets time pass, in milliseconds. */
  pass(milliseconds: number): void {
    this.#now += milliseconds;
    this.#timers.tick(milliseconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) {
      this.rebalancer.remove(worker.handle);
      await worker.hangUp();
    }
    this.#timers.restore();
  }
}

/** Returns which workers were asked to give back calls. */
function areRecalling(...workers: FakeWorker[]): boolean[] {
  return workers.map(({ handle }) => handle.isRecalling);
}

Deno.test("Rebalancer cuts the chunk of a worker that seems to be less busy than an idle one", async () => {
  await using workers = new Workers();
  const busy = workers.add(8);
  const idle = workers.add(0);
  workers.rebalancer.balance();
  workers.pass(1_000);
  assertEquals(areRecalling(busy, idle), [true, false]);
});

Deno.test("Rebalancer looks for an idle worker behind one that seems to be less busy", async () => {
  await using workers = new Workers();
  const [first, second] = [workers.add(8), workers.add(8)];
  workers.send(first, 8);
  workers.add(0);
  workers.rebalancer.balance();
  workers.pass(1_000);
  assert(areRecalling(first, second).includes(true));
});

Deno.test("Rebalancer recalls from as many slow workers as there are idle ones", async () => {
  await using workers = new Workers();
  const busy = [workers.add(8), workers.add(8), workers.add(8)];
  workers.add(0);
  workers.add(0);
  workers.rebalancer.balance();
  workers.pass(1_000);
  assertEquals(areRecalling(...busy), [true, true, false]);
});

Deno.test("Rebalancer leaves no room at a slow worker that has to give back calls", async () => {
  await using workers = new Workers();
  const busy = workers.add(8);
  workers.add(0);
  workers.rebalancer.balance();
  assert(busy.handle.hasRoom);
  workers.pass(1_000);
  assertFalse(busy.handle.hasRoom);
  busy.handle.window.measured(1, 1, 1);
  assert(busy.handle.hasRoom);
});

Deno.test("Rebalancer counts the silence that a message will find at a distant worker", async () => {
  await using workers = new Workers();
  const busy = workers.add(8, 500);
  // Meanwhile, the first one could have answered.
  workers.add(0, 500);
  workers.rebalancer.balance();
  assertEquals(areRecalling(busy), [false]);
  workers.pass(10);
  assertEquals(areRecalling(busy), [true]);
});

Deno.test("Rebalancer.holdStuck() leaves no room at workers that are slow", async () => {
  await using workers = new Workers();
  const slow = workers.add(8);
  workers.pass(10);
  const other = workers.add(8);
  workers.rebalancer.holdStuck();
  assertEquals(
    [slow.handle.hasRoom, other.handle.hasRoom],
    [false, true],
  );
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
