import { assertEquals } from "@std/assert";
import { CallSources, type Offer } from "../../src/scheduling/call_sources.ts";
import { HostTally } from "../../src/scheduling/host_tally.ts";
import { ResourceCalls } from "../../src/scheduling/resource_calls.ts";
import { WorkerSet } from "../../src/scheduling/worker_set.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { FakeWorker } from "../helpers/fake_worker.ts";

/** A source, and a worker whose calls take this many milliseconds on their way. */
class Bench implements AsyncDisposable {
  /** The time, in milliseconds. */
  now = 1_000;
  readonly sources: CallSources;
  readonly #keepAlive = new KeepAlive();
  readonly #worker = new FakeWorker(new HostTally("a"), 9, () => this.now);
  #offers: Offer[] = [];

  constructor(delay: number) {
    const workers = new WorkerSet();
    const { handle } = this.#worker;
    const { window } = handle;
    workers.add([handle]);
    window.sent(0);
    this.now += delay;
    window.returned(0);
    window.measured(1, 0, 0);
    workers.refresh(handle);
    const resources = new ResourceCalls();
    this.sources = new CallSources(
      this.#keepAlive,
      workers,
      resources,
      () => this.now,
    );
    this.sources.add({
      ended: false,
      pull: (offer) => this.#offers.push(offer),
      stop: () => {},
    });
  }

  /** Asks the source, and returns whether its worker was offered as shared. */
  isShared(): boolean | undefined {
    this.#offers = [];
    this.sources.pull(() => 0);
    return this.#offers[0]?.isShared;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.hangUp();
    this.#keepAlive.close();
  }
}

Deno.test("CallSources.pull() offers workers as shared for a while after other calls", async () => {
  await using bench = new Bench(1);
  assertEquals(bench.isShared(), false);
  bench.sources.otherCame();
  assertEquals(bench.isShared(), true);
  bench.now += 99;
  assertEquals(bench.isShared(), true);
  bench.sources.otherCame();
  assertEquals(bench.isShared(), true);
  bench.now += 99;
  assertEquals(bench.isShared(), true);
  bench.now++;
  assertEquals(bench.isShared(), false);
});

Deno.test("CallSources.pull() doesn't offer distant workers as shared", async () => {
  await using bench = new Bench(4);
  bench.sources.otherCame();
  assertEquals(bench.isShared(), false);
});
