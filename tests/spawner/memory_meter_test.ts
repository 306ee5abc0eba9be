import { assert, assertEquals } from "@std/assert";
import { MemoryMeter } from "../../src/spawner/memory_meter.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";

const ignore = !MemoryMeter.isSupported;

/** Keeps the test alive, and ends the meter at its end. */
class TestMeter extends MemoryMeter implements AsyncDisposable {
  readonly #keepAlive = new KeepAlive();

  constructor() {
    super();
    this.#keepAlive.hold();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.#keepAlive.close();
  }
}

Deno.test({
  name: "MemoryMeter measures the resident memory of processes",
  ignore,
  async fn() {
    await using meter = new TestMeter();
    const own = Deno.memoryUsage().rss;
    const measured = await meter.measure([Deno.pid, 1]);
    assertEquals([...measured.keys()].sort(), [1, Deno.pid].sort());
    // The program's memory changes a little meanwhile.
    const difference = Math.abs(measured.get(Deno.pid)! - own);
    assert(difference < own / 2, `${measured.get(Deno.pid)} is not ${own}`);
  },
});

Deno.test({
  name: "MemoryMeter leaves out processes that have ended",
  ignore,
  async fn() {
    await using meter = new TestMeter();
    const child = new Deno.Command("true").spawn();
    await child.status;
    const measured = await meter.measure([child.pid, Deno.pid]);
    assertEquals([...measured.keys()], [Deno.pid]);
    assertEquals((await meter.measure([child.pid])).size, 0);
  },
});

Deno.test({
  name: "MemoryMeter measures nothing once its shell has ended",
  ignore,
  async fn() {
    await using meter = new TestMeter();
    const measuring = meter.measure([Deno.pid]);
    await meter.close();
    await measuring;
    assertEquals((await meter.measure([Deno.pid])).size, 0);
  },
});
