import { assertEquals } from "@std/assert";
import { MemoryLimit } from "../../src/spawner/memory_limit.ts";
import { FakeTime } from "../helpers/fake_time.ts";

const LIMIT = 100;

/** A meter whose readings a test sets. */
class FakeMeter {
  readonly used = new Map<number, number>();
  /** The processes that were measured, each time. */
  readonly measured: number[][] = [];
  isClosed = false;

  measure(pids: Iterable<number>): Promise<Map<number, number>> {
    this.measured.push([...pids]);
    return Promise.resolve(new Map(this.used));
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** A limit, and a process that it watches. */
class Scene implements AsyncDisposable {
  readonly time = new FakeTime();
  readonly meter = new FakeMeter();
  readonly limit = new MemoryLimit(LIMIT, () => this.meter);
  readonly exceeded: [pid: number, bytes: number][] = [];

  /** Watches a process; returns a function that ends it. */
  watch(pid: number): () => void {
    const { promise, resolve } = Promise.withResolvers<Deno.CommandStatus>();
    this.limit.watch(
      { pid, status: promise },
      (bytes) => this.exceeded.push([pid, bytes]),
    );
    return () => resolve({ code: 0, signal: null, success: true });
  }

  /** Measures once, with these readings. */
  async tick(...readings: [pid: number, bytes: number][]): Promise<void> {
    for (const [pid, bytes] of readings) this.meter.used.set(pid, bytes);
    const count = this.meter.measured.length;
    while (this.meter.measured.length === count) await this.time.tickAsync(10);
    await this.time.runMicrotasks();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.limit.close();
    this.time.restore();
  }
}

Deno.test("MemoryLimit reports a process that is above the limit twice in a row", async () => {
  await using scene = new Scene();
  scene.watch(1);
  scene.watch(2);
  await scene.tick([1, 100], [2, 101]);
  await scene.tick([1, 101], [2, 100]);
  assertEquals(scene.exceeded, []);
  await scene.tick([1, 150], [2, 101]);
  assertEquals(scene.exceeded, [[1, 150]]);
  await scene.tick([2, 200]);
  assertEquals(scene.exceeded, [[1, 150], [2, 200]]);
  assertEquals(scene.meter.measured, [[1, 2], [1, 2], [1, 2], [2]]);
});

Deno.test("MemoryLimit measures nothing while it watches no process", async () => {
  await using scene = new Scene();
  const end = scene.watch(1);
  await scene.tick([1, 1]);
  end();
  await scene.time.tickAsync(1_000);
  const { length } = scene.meter.measured;
  await scene.time.tickAsync(1_000);
  assertEquals(scene.meter.measured.length, length);
  scene.watch(2);
  await scene.tick([2, 1]);
  assertEquals(scene.meter.measured.at(-1), [2]);
});

Deno.test("MemoryLimit.close() ends the meter", async () => {
  const scene = new Scene();
  scene.watch(1);
  await scene.limit.close();
  assertEquals(scene.meter.isClosed, true);
  await scene.time.tickAsync(1_000);
  assertEquals(scene.meter.measured, []);
  scene.time.restore();
});
