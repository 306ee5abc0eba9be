import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers";
import { WorkerLostError } from "../../src/errors/worker_lost_error.ts";
import { GracePeriod } from "../../src/scheduling/grace_period.ts";
import { CallsInFlight } from "../../src/scheduling/calls_in_flight.ts";
import { nextTurn } from "../../src/util/next_turn.ts";
import type { PromisedCall } from "../../src/calls/promised_call.ts";
import {
  call,
  CANCEL_GRACE,
  HostBench,
  settled,
} from "../helpers/fake_worker.ts";
import { HeldTimers } from "../helpers/held_timers.ts";

const GRACE = 100_001;
/** How long other calls may continue after that. */
const DRAIN = 10 * GRACE;

/** A worker's calls, in separate messages, and their grace period. */
class Scene implements Disposable {
  readonly calls: CallsInFlight;
  readonly grace: GracePeriod;
  readonly timers = new HeldTimers(GRACE, DRAIN);
  /** How often the worker was killed. */
  ends = 0;
  readonly #calls: PromisedCall<unknown>[] = [];

  constructor(concurrency: number, calls: number) {
    this.calls = new CallsInFlight(concurrency);
    this.grace = new GracePeriod(this.calls, GRACE, () => this.ends++);
    for (let id = 0; id < calls; id++) {
      const sent = call(id);
      sent.send({ release: () => {} }, id, id, 0);
      this.#calls.push(sent);
      this.calls.add(sent);
    }
  }

  abandon(id: number): void {
    this.#calls[id]!.abandon();
    this.grace.watch();
  }

  answer(id: number): void {
    this.calls.take(id);
    this.grace.watch();
  }

  /** Fires timers, and waits for their effects. */
  async pass(milliseconds: number): Promise<void> {
    this.timers.fire(milliseconds);
    await nextTurn();
    await settled();
  }

  [Symbol.dispose](): void {
    this.grace.close();
    this.timers[Symbol.dispose]();
  }
}

Deno.test("GracePeriod kills the worker only after the grace period", async () => {
  using scene = new Scene(1, 2);
  scene.abandon(0);
  await settled();
  assertEquals(scene.ends, 0);
  await scene.pass(GRACE);
  assertEquals(scene.ends, 1);
});

Deno.test("GracePeriod doesn't kill the worker of a call that ends in time", () => {
  using scene = new Scene(1, 2);
  scene.abandon(0);
  scene.answer(0);
  assertEquals(scene.timers.count(GRACE), 0);
});

Deno.test("GracePeriod starts for a waiting call when the call may have begun", () => {
  using scene = new Scene(1, 2);
  scene.abandon(1);
  assertEquals(scene.timers.count(GRACE), 0);
  scene.answer(0);
  assertEquals(scene.timers.count(GRACE), 1);
});

Deno.test("GracePeriod lets a busy program read results before killing the worker", async () => {
  using scene = new Scene(1, 2);
  scene.abandon(0);
  // The event loop reads arrived data in its next turn.
  setImmediate(() => scene.answer(0));
  await scene.pass(GRACE);
  assertEquals(scene.ends, 0);
  assertFalse(scene.grace.isOver);
});

Deno.test("GracePeriod lets other calls finish before killing the worker", async () => {
  using scene = new Scene(2, 2);
  scene.abandon(0);
  await scene.pass(GRACE);
  assert(scene.grace.isOver);
  assertEquals(scene.ends, 0);
  scene.answer(1);
  assertEquals(scene.ends, 1);
});

Deno.test("GracePeriod kills the worker if other calls don't finish", async () => {
  using scene = new Scene(2, 2);
  scene.abandon(0);
  await scene.pass(GRACE);
  await scene.pass(DRAIN);
  assertEquals(scene.ends, 1);
});

Deno.test("GracePeriod.isOver is reset when the overdue call ends", async () => {
  using scene = new Scene(2, 2);
  scene.abandon(0);
  await scene.pass(GRACE);
  scene.answer(0);
  assertFalse(scene.grace.isOver);
  assertEquals([scene.ends, scene.timers.count(DRAIN)], [0, 0]);
});

Deno.test("GracePeriod.close() prevents killing the worker", async () => {
  using scene = new Scene(1, 1);
  scene.abandon(0);
  scene.timers.fire(GRACE);
  scene.grace.close();
  await nextTurn();
  await settled();
  assertEquals(scene.ends, 0);
});

for (const hasEnded of [true, false]) {
  const what = hasEnded
    ? "runs no waiting call twice"
    : "moves a waiting call to another worker";
  Deno.test(`Scheduler ${what} when the task before it is killed`, async () => {
    using timers = new HeldTimers(CANCEL_GRACE);
    await using bench = new HostBench();
    const worker = await bench.add("a", 2);
    const [late] = await bench.submit(undefined, "late");
    const [behind] = await bench.submit(undefined, "behind");
    await bench.add("b", 2);
    assertEquals(bench.labels, [["late", "behind"], []]);
    late!.abandon();
    // The task may end just before its worker is killed. Then the next begins.
    if (hasEnded) worker.lastAnswers = 1;
    timers.fire(CANCEL_GRACE);
    await worker.gone;
    await settled();
    if (hasEnded) {
      assertEquals(bench.worker(1).labels, []);
      await assertRejects(() => behind!.promise, WorkerLostError);
    } else {
      assertEquals(bench.worker(1).labels, ["behind"]);
      await bench.worker(1).answer();
      assertEquals(await behind!.promise, "behind");
    }
  });
}
